/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers that call nothing but tcsetattr and the like, all of it async-signal-safe (POSIX, 2.4.3),
 * and then let the signal do what it would have done. A process has one standard input and handlers have no
 * argument, so the state is static; it is written before handlers that read it are installed. Who installs a
 * handler for SIGSEGV later (a host-MMU tier) must hand on what is not his to the one that he found.
 */
#include "ui/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

#include <glib.h>

static struct {
        struct termios before, taken;
        struct sigaction old[NSIG]; /* what there was, such as a sanitizer's */
        bool guarded[NSIG];
        bool known; /* before is */
} terminal;

static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE,
                           SIGTRAP};

static bool is_fault(int number, const siginfo_t *info)
{
        return info->si_code > 0 &&
               (number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE);
}

/* Only the foreground may: others would be stopped for trying, and change what somebody else uses. */
static bool is_ours(void)
{
        return tcgetpgrp(0) == getpgrp();
}

static void on_end(int number, siginfo_t *info, void *context)
{
        int saved = errno;

        if (is_ours())
                tcsetattr(0, TCSANOW, &terminal.before);
        sigaction(number, &terminal.old[number], NULL);
        /* a fault happens again by itself, and keeps its address; what was sent is sent again */
        if (!is_fault(number, info))
                raise(number);
        errno = saved;
}

static void on_continue(int number)
{
        int saved = errno;

        if (is_ours())
                tcsetattr(0, TCSANOW, &terminal.taken);
        errno = saved;
}

/* Handlers run on the thread that crashed, whose stack may be the trouble; that cannot be helped here. */
void terminal_guard(void)
{
        struct sigaction guard = {.sa_sigaction = on_end, .sa_flags = SA_SIGINFO | SA_RESTART};

        if (!isatty(0) || (!terminal.known && tcgetattr(0, &terminal.before) != 0))
                return;
        terminal.known = true;
        sigemptyset(&guard.sa_mask);
        for (unsigned i = 0; i < G_N_ELEMENTS(ends); i++) {
                struct sigaction now;
                int n = ends[i];

                sigaction(n, NULL, &now);
                if (now.sa_handler == SIG_IGN || ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_end))
                        continue; /* as under nohup */
                if (!terminal.guarded[n])
                        terminal.old[n] = now;
                terminal.guarded[n] = true;
                sigaction(n, &guard, NULL);
        }
}

void terminal_taken(void)
{
        struct sigaction again = {.sa_handler = on_continue, .sa_flags = SA_RESTART};

        if (!terminal.known || tcgetattr(0, &terminal.taken) != 0)
                return;
        sigemptyset(&again.sa_mask);
        sigaction(SIGCONT, &again, NULL);
}
