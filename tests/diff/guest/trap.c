#include "guest.h"
void trap_chunk(unsigned unit) { (void)unit; }
