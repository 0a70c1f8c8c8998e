#include "guest.h"
void pmp_chunk(unsigned unit) { (void)unit; }
