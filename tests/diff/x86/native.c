/* SPDX-License-Identifier: MIT */
/*
 * Runs instructions on the host's own CPU. A signal handler loads the registers by returning into the
 * instruction, and the breakpoint behind it, or the exception that it raises, brings the state back into the
 * handler. All of it happens in a child process, which an instruction gone astray may take with it.
 */
#include "tests/diff/x86/cases.h"

#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* of the child */
static struct test_case *all, *current;
static const struct test_case *loaded; /* whose code is there */
static unsigned n_all, at;
static ucontext_t home;
static bool at_home;
static uint8_t *code; /* the page of code, to be written here */

static const int gregs[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void load(ucontext_t *uc, const struct test_case *c)
{
        uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
        uint64_t *xstate_bv = (uint64_t *)(fx + 512);

        if (!loaded || loaded->at != c->at || loaded->length != c->length ||
            memcmp(loaded->bytes, c->bytes, c->length)) {
                if (loaded)
                        memset(code + loaded->at, CASE_INT3, loaded->length);
                memcpy(code + c->at, c->bytes, c->length);
                loaded = c;
        }
        memset((void *)(uintptr_t)CASE_DATA, 0, CASE_DATA_SIZE);
        memcpy((uint8_t *)(uintptr_t)CASE_DATA + CASE_WINDOW, c->window, CASE_WINDOW_SIZE);
        for (unsigned k = 0; k < 16; k++)
                uc->uc_mcontext.gregs[gregs[k]] = c->in.gpr[k];
        uc->uc_mcontext.gregs[REG_RIP] = CASE_CODE + c->at;
        uc->uc_mcontext.gregs[REG_EFL] = c->in.flags;
        memcpy(fx, c->in.fx87, 24);
        memcpy(fx + 32, c->in.fx87 + 32, 128);
        memcpy(fx + 24, &c->in.mxcsr, 4);
        memcpy(fx + 160, c->in.xmm, 256);
        *xstate_bv |= 3;
}

static void save(ucontext_t *uc, int sig, struct test_case *c)
{
        greg_t *g = uc->uc_mcontext.gregs;
        uint8_t *fx = (uint8_t *)uc->uc_mcontext.fpregs;
        const uint8_t *data = (const uint8_t *)(uintptr_t)CASE_DATA;
        uint64_t rip;

        for (unsigned k = 0; k < 16; k++)
                c->out.gpr[k] = g[gregs[k]];
        rip = g[REG_RIP];
        c->vector = g[REG_TRAPNO];
        if (sig == SIGTRAP && c->vector == 3) {
                c->vector = -1;
                rip--;
        } else if (!case_has(c, rip) && c->vector == 14 && (g[REG_ERR] & 16)) {
                c->vector = -1; /* it went where nothing is: it went */
        }
        c->out.rip = rip;
        c->out.flags = g[REG_EFL];
        c->error_code = g[REG_ERR];
        c->cr2 = g[REG_CR2];
        memcpy(c->out.fx87, fx, 160);
        memcpy(&c->out.mxcsr, fx + 24, 4);
        memcpy(c->out.xmm, fx + 160, 256);
        memcpy(c->out_window, data + CASE_WINDOW, CASE_WINDOW_SIZE);
        memcpy(c->out_edges[0], data, CASE_EDGE);
        memcpy(c->out_edges[1], data + CASE_DATA_SIZE - CASE_EDGE, CASE_EDGE);
        c->done = true;
}

static void handler(int sig, siginfo_t *info, void *opaque)
{
        ucontext_t *uc = opaque;

        /* the case's EFLAGS.AC is still in force: away with it, past the red zone */
        __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; btrl $18, (%%rsp); popfq; lea 128(%%rsp), %%rsp"
                         ::: "cc", "memory");
        if (at_home) {
                memcpy(&home, uc, sizeof(home));
                at_home = false;
        } else {
                save(uc, sig, current);
                at++;
        }
        if (at == n_all)
                _exit(0);
        current = &all[at];
        load(uc, current);
}

static void child(struct test_case *cases, unsigned n)
{
        static const int signals[] = {SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS};
        struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
        const struct itimerval most = {.it_value.tv_sec = 10};
        stack_t stack = {.ss_size = 1 << 16};
        int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, fd = memfd_create("code", 0);

        stack.ss_sp = malloc(stack.ss_size);
        sigaltstack(&stack, NULL);
        for (unsigned k = 0; k < sizeof(signals) / sizeof(signals[0]); k++)
                sigaction(signals[k], &sa, NULL);
        code = fd >= 0 && !ftruncate(fd, CASE_CODE_SIZE)
               ? mmap(NULL, CASE_CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
        if (code == MAP_FAILED ||
            mmap((void *)(uintptr_t)CASE_CODE, CASE_CODE_SIZE, PROT_READ | PROT_EXEC,
                 MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) == MAP_FAILED ||
            mmap((void *)(uintptr_t)CASE_DATA, CASE_DATA_SIZE, PROT_READ | PROT_WRITE, flags, -1,
                 0) == MAP_FAILED ||
            mmap((void *)(uintptr_t)CASE_RO, 4096, PROT_READ, flags, -1, 0) == MAP_FAILED)
                _exit(2);
        memset(code, CASE_INT3, CASE_CODE_SIZE);
        (void)*(volatile uint8_t *)(uintptr_t)CASE_RO; /* present from the start, as in the emulator */
        setitimer(ITIMER_VIRTUAL, &most, NULL);
        all = cases;
        n_all = n;
        at = 0;
        at_home = true;
        __asm__ volatile("int3");
        _exit(3);
}

/* Bit @bit of register @reg (0 to 3: eax, ebx, ecx, edx) of a CPUID leaf. */
static bool has_bit(unsigned leaf, unsigned reg, unsigned bit)
{
        unsigned r[4];

        return __get_cpuid_count(leaf, 0, &r[0], &r[1], &r[2], &r[3]) && (r[reg] >> bit & 1);
}

uint32_t native_features(void)
{
        const bool has[] = {
                [NATIVE_POPCNT] = __builtin_cpu_supports("popcnt"),
                [NATIVE_BMI1] = __builtin_cpu_supports("bmi"),
                [NATIVE_BMI2] = __builtin_cpu_supports("bmi2"), [NATIVE_LZCNT] = has_bit(0x80000001, 2, 5),
                [NATIVE_MOVBE] = has_bit(1, 2, 22), [NATIVE_ADX] = has_bit(7, 1, 19),
                [NATIVE_SSE3] = __builtin_cpu_supports("sse3"),
                [NATIVE_SSSE3] = __builtin_cpu_supports("ssse3"),
                [NATIVE_SSE41] = __builtin_cpu_supports("sse4.1"),
                [NATIVE_SSE42] = __builtin_cpu_supports("sse4.2"),
        };
        uint32_t bits = 0;

        for (unsigned k = 0; k < sizeof(has) / sizeof(has[0]); k++)
                bits |= (uint32_t)has[k] << k;
        return bits;
}

void native_run(struct test_case *cases, unsigned n)
{
        int status;
        pid_t pid;

        for (unsigned k = 0; k < n; k++)
                cases[k].done = false;
        pid = fork();
        if (pid == 0)
                child(cases, n);
        waitpid(pid, &status, 0);
        /* one that killed the child is left out, and those behind it are run by another */
        for (unsigned k = 0; k < n; k++) {
                if (!cases[k].done) {
                        if (k + 1 < n)
                                native_run(cases + k + 1, n - k - 1);
                        return;
                }
        }
}
