/* SPDX-License-Identifier: MIT */
/*
 * The terminal that the program was started on is put back whatever ends it: chardevs do so when all goes
 * well, this does it for signals that kill and for crashes. Main thread.
 */
#pragma once

/* Remembers the terminal as it is now, and guards it against signals that would end the process. */
void terminal_guard(void);
/* Remembers the terminal as back ends left it: that is what it is to be again after a stop (SIGCONT). */
void terminal_taken(void);
