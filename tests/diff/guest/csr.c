#include "guest.h"
void csr_chunk(unsigned unit) { (void)unit; }
