/* SPDX-License-Identifier: MIT */
/* What the C part and the assembly of the program that gdb debugs have of each other. */
#pragma once

typedef float quad __attribute__((vector_size(16)));

long add(long a, long b);
double scale(double x);
quad mix(quad a, quad b);
void count(long cpu);
_Noreturn void first_main(void);
_Noreturn void other_main(long cpu);

/* Of the guest: something of its own, once a turn; and the end, with the emulator's exit status. */
void machine_turn(void);
void machine_exit(long status);
