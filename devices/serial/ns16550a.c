/* SPDX-License-Identifier: MIT */
/*
 * NS16550A UART (National Semiconductor PC16550D data sheet): FIFOs of 16 bytes, the five interrupt sources
 * with their priorities, character timeout, loopback and modem lines. A byte written is sent at once, or as
 * soon as the host takes it; the baud rate only times the receiver's character timeout. Parity, framing and
 * overrun errors do not occur: a full receiver makes the host wait.
 */
#include <string.h>

#include "devices/dev.h"
#include "devices/host/char/chardev.h"
#include "machines/core/dt.h"

enum { FIFO_SIZE = 16 };

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };

enum { IER_RDA = 1, IER_THRE = 2, IER_RLS = 4, IER_MODEM = 8 };
enum { IIR_MODEM = 0x0, IIR_NONE = 0x1, IIR_THRE = 0x2, IIR_RDA = 0x4, IIR_RLS = 0x6, IIR_TIMEOUT = 0xc,
      IIR_FIFOS = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_CLEAR_TX = 4 };
enum { LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 0x10 };
enum { LSR_DR = 1, LSR_OE = 2, LSR_BI = 0x10, LSR_THRE = 0x20, LSR_TEMT = 0x40, LSR_ERRORS = 0x1e };
enum { MSR_DCTS = 1, MSR_TERI = 4, MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };

struct fifo {
        uint8_t data[FIFO_SIZE];
        uint8_t head, n;
};

struct uart {
        struct dev dev;
        struct chardev *chardev;
        uint32_t reg_shift, clock_hz;

        uint16_t divisor;
        uint8_t ier, fcr, lcr, mcr, lsr, msr, scr;
        bool thre_pending;     /* the transmitter became empty and IIR has not told yet */
        bool timeout_pending;
        struct fifo rx, tx;
        struct timer *timeout;
};

static uint8_t fifo_pop(struct fifo *f)
{
        uint8_t v = f->data[f->head];

        f->head = (f->head + 1) % FIFO_SIZE;
        f->n--;
        return v;
}

static bool fifo_push(struct fifo *f, uint8_t v, unsigned limit)
{
        if (f->n >= limit)
                return false;
        f->data[(f->head + f->n) % FIFO_SIZE] = v;
        f->n++;
        return true;
}

static bool fifos_on(const struct uart *u)
{
        return u->fcr & FCR_ENABLE;
}

static unsigned fifo_limit(const struct uart *u)
{
        return fifos_on(u) ? FIFO_SIZE : 1;
}

static unsigned rx_trigger(const struct uart *u)
{
        static const uint8_t level[4] = {1, 4, 8, 14};

        return fifos_on(u) ? level[u->fcr >> 6] : 1;
}

/* The highest pending source, as IIR shows it. */
static uint8_t uart_iir(const struct uart *u)
{
        if ((u->ier & IER_RLS) && (u->lsr & LSR_ERRORS))
                return IIR_RLS;
        if ((u->ier & IER_RDA) && u->rx.n >= rx_trigger(u))
                return IIR_RDA;
        if ((u->ier & IER_RDA) && u->timeout_pending)
                return IIR_TIMEOUT;
        if ((u->ier & IER_THRE) && u->thre_pending)
                return IIR_THRE;
        if ((u->ier & IER_MODEM) && (u->msr & 0xf))
                return IIR_MODEM;
        return IIR_NONE;
}

static void uart_update(struct uart *u)
{
        u->lsr = (u->lsr & ~LSR_DR) | (u->rx.n ? LSR_DR : 0);
        dev_irq(&u->dev, 0, uart_iir(u) != IIR_NONE);
}

/* Time of four characters of ten bits. */
static int64_t timeout_ns(const struct uart *u)
{
        uint64_t divisor = u->divisor ? u->divisor : 1;

        return clock_muldiv(4 * 10 * 16 * divisor, 1000000000, MAX(u->clock_hz, 1));
}

static void rx_arm_timeout(struct uart *u)
{
        u->timeout_pending = false;
        if (fifos_on(u) && u->rx.n)
                timer_arm(u->timeout, clock_now_ns(u->dev.vm, CLOCK_RUN) + timeout_ns(u));
        else
                timer_cancel(u->timeout);
}

static void uart_timed_out(void *opaque)
{
        struct uart *u = opaque;

        dev_enter(&u->dev);
        /* by now a read may have emptied or armed it anew */
        if (u->rx.n && timer_deadline(u->timeout) == INT64_MAX) {
                u->timeout_pending = true;
                uart_update(u);
        }
        dev_leave(&u->dev);
}

static void rx_byte(struct uart *u, uint8_t v)
{
        if (!fifo_push(&u->rx, v, fifo_limit(u)))
                u->lsr |= LSR_OE;
        rx_arm_timeout(u);
}

/* ---- transmitter ---- */

/* Hands the host what it takes; the rest stays until CHARDEV_WRITABLE. */
static void tx_drain(struct uart *u)
{
        while (u->tx.n) {
                uint8_t v = u->tx.data[u->tx.head];

                if (u->mcr & MCR_LOOP) {
                        rx_byte(u, v);
                } else if (u->chardev && !chardev_write(u->chardev, &v, 1)) {
                        return;
                }
                fifo_pop(&u->tx);
        }
        u->lsr |= LSR_THRE | LSR_TEMT;
        u->thre_pending = true;
}

static void tx_byte(struct uart *u, uint8_t v)
{
        u->lsr &= ~(LSR_THRE | LSR_TEMT);
        u->thre_pending = false;
        fifo_push(&u->tx, v, fifo_limit(u)); /* too much is lost, as in the chip */
        tx_drain(u);
}

/* ---- modem lines ---- */

static uint8_t modem_inputs(const struct uart *u)
{
        if (!(u->mcr & MCR_LOOP))
                return MSR_CTS | MSR_DSR | MSR_DCD;
        return (u->mcr & MCR_RTS ? MSR_CTS : 0) | (u->mcr & MCR_DTR ? MSR_DSR : 0) |
                (u->mcr & MCR_OUT1 ? MSR_RI : 0) |
               (u->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void modem_update(struct uart *u)
{
        uint8_t now = modem_inputs(u), changed = (u->msr ^ now) & 0xf0;
        uint8_t delta = changed >> 4;

        /* the ring indicator's bit tells of its falling edge only */
        if (now & MSR_RI)
                delta &= ~MSR_TERI;
        u->msr = now | (u->msr & 0xf) | delta;
}

/* ---- registers ---- */

static uint8_t uart_read_data(struct uart *u)
{
        uint8_t v = 0;

        if (u->lcr & LCR_DLAB)
                return u->divisor;
        if (u->rx.n)
                v = fifo_pop(&u->rx);
        rx_arm_timeout(u);
        if (u->chardev)
                chardev_accept_input(u->chardev);
        return v;
}

static uint8_t uart_read_reg(struct uart *u, unsigned reg)
{
        uint8_t v;

        switch (reg) {
        case REG_DATA:
                return uart_read_data(u);
        case REG_IER:
                return u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier;
        case REG_IIR_FCR:
                v = uart_iir(u);
                if (v == IIR_THRE)
                        u->thre_pending = false;
                return v | (fifos_on(u) ? IIR_FIFOS : 0);
        case REG_LCR:
                return u->lcr;
        case REG_MCR:
                return u->mcr;
        case REG_LSR:
                v = u->lsr;
                u->lsr &= ~LSR_ERRORS;
                return v;
        case REG_MSR:
                v = u->msr;
                u->msr &= 0xf0;
                return v;
        default:
                return u->scr;
        }
}

static void uart_write_fcr(struct uart *u, uint8_t v)
{
        if ((v ^ u->fcr) & FCR_ENABLE)
                v |= FCR_CLEAR_RX | FCR_CLEAR_TX;
        if (v & FCR_CLEAR_RX)
                u->rx.n = u->rx.head = 0;
        if (v & FCR_CLEAR_TX) {
                u->tx.n = u->tx.head = 0;
                u->lsr |= LSR_THRE | LSR_TEMT;
                u->thre_pending = true;
        }
        u->fcr = v & FCR_ENABLE ? v & (FCR_ENABLE | 0xc0) : 0;
        rx_arm_timeout(u);
        if (u->chardev)
                chardev_accept_input(u->chardev);
}

static void uart_write_reg(struct uart *u, unsigned reg, uint8_t v)
{
        switch (reg) {
        case REG_DATA:
                if (u->lcr & LCR_DLAB)
                        u->divisor = (u->divisor & 0xff00) | v;
                else
                        tx_byte(u, v);
                break;
        case REG_IER:
                if (u->lcr & LCR_DLAB) {
                        u->divisor = (u->divisor & 0xff) | v << 8;
                        break;
                }
                /* enabling it while the transmitter is empty interrupts at once */
                if ((v & ~u->ier & IER_THRE) && (u->lsr & LSR_THRE))
                        u->thre_pending = true;
                u->ier = v & 0xf;
                break;
        case REG_IIR_FCR:
                uart_write_fcr(u, v);
                break;
        case REG_LCR:
                u->lcr = v;
                break;
        case REG_MCR:
                u->mcr = v & 0x1f;
                modem_update(u);
                break;
        case REG_SCR:
                u->scr = v;
                break;
        }
}

static uint64_t uart_read(struct dev *d, uint64_t offset, unsigned size)
{
        struct uart *u = (struct uart *)d;
        uint8_t v;

        if (offset >> u->reg_shift > REG_SCR)
                return 0;
        v = uart_read_reg(u, offset >> u->reg_shift);
        uart_update(u);
        return v;
}

static void uart_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        struct uart *u = (struct uart *)d;

        if (offset >> u->reg_shift > REG_SCR)
                return;
        uart_write_reg(u, offset >> u->reg_shift, value);
        uart_update(u);
}

/* ---- the host's side ---- */

static size_t uart_can_read(void *opaque)
{
        struct uart *u = opaque;
        size_t room;

        dev_enter(&u->dev);
        room = u->mcr & MCR_LOOP ? 0 : fifo_limit(u) - MIN(u->rx.n, fifo_limit(u));
        dev_leave(&u->dev);
        return room;
}

static void uart_host_read(void *opaque, const uint8_t *buf, size_t len)
{
        struct uart *u = opaque;

        dev_enter(&u->dev);
        for (size_t i = 0; i < len; i++)
                rx_byte(u, buf[i]);
        uart_update(u);
        dev_leave(&u->dev);
}

static void uart_host_event(void *opaque, enum chardev_event event)
{
        struct uart *u = opaque;

        dev_enter(&u->dev);
        if (event == CHARDEV_BREAK) {
                rx_byte(u, 0);
                u->lsr |= LSR_BI;
        } else if (event == CHARDEV_WRITABLE && u->tx.n) {
                tx_drain(u);
        }
        uart_update(u);
        dev_leave(&u->dev);
}

/* ---- life ---- */

static bool uart_init(struct dev *d, GError **error)
{
        struct uart *u = (struct uart *)d;

        u->reg_shift = MIN(u->reg_shift, 5);
        u->timeout = timer_new(d->vm, CLOCK_RUN, uart_timed_out, u);
        if (u->chardev)
                chardev_attach(u->chardev, &(struct chardev_user){uart_can_read, uart_host_read,
                                                                  uart_host_event, u});
        return true;
}

static void uart_reset(struct dev *d)
{
        struct uart *u = (struct uart *)d;

        u->ier = u->fcr = u->lcr = u->scr = 0;
        u->mcr = MCR_OUT2;
        u->divisor = 12;
        u->lsr = LSR_THRE | LSR_TEMT;
        u->msr = modem_inputs(u);
        u->thre_pending = u->timeout_pending = false;
        memset(&u->rx, 0, sizeof(u->rx));
        memset(&u->tx, 0, sizeof(u->tx));
        timer_cancel(u->timeout);
        uart_update(u);
        if (u->chardev)
                chardev_accept_input(u->chardev);
}

static void uart_fini(struct dev *d)
{
        struct uart *u = (struct uart *)d;

        if (u->chardev)
                chardev_detach(u->chardev, u);
        timer_free(u->timeout);
}

static bool uart_loaded(struct dev *d, GError **error)
{
        struct uart *u = (struct uart *)d;

        u->rx.head %= FIFO_SIZE;
        u->tx.head %= FIFO_SIZE;
        u->rx.n = MIN(u->rx.n, FIFO_SIZE);
        u->tx.n = MIN(u->tx.n, FIFO_SIZE);
        uart_update(u);
        return true;
}

static void uart_fdt(struct dev *d, struct dt *dt, const char *path)
{
        struct uart *u = (struct uart *)d;

        dt_u32(dt, path, "clock-frequency", u->clock_hz);
        if (u->reg_shift)
                dt_u32(dt, path, "reg-shift", u->reg_shift);
}

static const struct dev_prop uart_props[] = {
        {"chardev", "where the bytes go", PROP_CHARDEV, offsetof(struct uart, chardev), NULL},
        {"reg-shift", "log2 of the distance between registers", PROP_U32, offsetof(struct uart, reg_shift),
         "0"},
        {"clock-frequency", "hertz; for the character timeout", PROP_U32, offsetof(struct uart, clock_hz),
         "3686400"},
        {},
};

static const struct dev_field uart_state[] = {
        {"divisor", FIELD_U16, offsetof(struct uart, divisor)},
        {"ier", FIELD_U8, offsetof(struct uart, ier)},
        {"fcr", FIELD_U8, offsetof(struct uart, fcr)},
        {"lcr", FIELD_U8, offsetof(struct uart, lcr)},
        {"mcr", FIELD_U8, offsetof(struct uart, mcr)},
        {"lsr", FIELD_U8, offsetof(struct uart, lsr)},
        {"msr", FIELD_U8, offsetof(struct uart, msr)},
        {"scr", FIELD_U8, offsetof(struct uart, scr)},
        {"thre_pending", FIELD_BOOL, offsetof(struct uart, thre_pending)},
        {"timeout_pending", FIELD_BOOL, offsetof(struct uart, timeout_pending)},
        {"rx.data", FIELD_BYTES, offsetof(struct uart, rx.data), FIFO_SIZE},
        {"rx.head", FIELD_U8, offsetof(struct uart, rx.head)},
        {"rx.n", FIELD_U8, offsetof(struct uart, rx.n)},
        {"tx.data", FIELD_BYTES, offsetof(struct uart, tx.data), FIFO_SIZE},
        {"tx.head", FIELD_U8, offsetof(struct uart, tx.head)},
        {"tx.n", FIELD_U8, offsetof(struct uart, tx.n)},
        {"timeout", FIELD_TIMER, offsetof(struct uart, timeout)},
        {},
};

static const struct dev_reg uart_regs[] = {
        {REG_DATA, "RBR/THR/DLL"}, {REG_IER, "IER/DLM"}, {REG_IIR_FCR, "IIR/FCR"}, {REG_LCR, "LCR"},
        {REG_MCR, "MCR"}, {REG_LSR, "LSR"}, {REG_MSR, "MSR"}, {REG_SCR, "SCR"}, {},
};

const struct dev_class dev_ns16550a = {
        .name = "ns16550a", .compat = "ns16550a", .doc = "16550A serial port",
        .size = sizeof(struct uart), .props = uart_props, .state = uart_state, .regs = uart_regs,
        .regions = {
                {"regs", 0x100, ACCESS_1 | ACCESS_2 | ACCESS_4 | ACCESS_8, uart_read, uart_write},
                {"ports", 8, ACCESS_1, uart_read, uart_write}, /* the same registers where a PC has them */
        },
        .irqs = 1,
        .init = uart_init, .reset = uart_reset, .fini = uart_fini, .loaded = uart_loaded, .fdt = uart_fdt,
};
