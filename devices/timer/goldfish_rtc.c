/* SPDX-License-Identifier: MIT */
/*
 * Goldfish real-time clock (Android's goldfish virtual hardware document, "Timer"): nanoseconds since 1970 in
 * two halves, and an alarm. The clock follows the host's; setting it moves an offset. Reading the low half
 * latches the high one.
 */
#include "devices/dev.h"

enum {
        RTC_TIME_LOW = 0x00,
        RTC_TIME_HIGH = 0x04,
        RTC_ALARM_LOW = 0x08,
        RTC_ALARM_HIGH = 0x0c,
        RTC_IRQ_ENABLED = 0x10,
        RTC_CLEAR_ALARM = 0x14,
        RTC_ALARM_STATUS = 0x18,
        RTC_CLEAR_INTERRUPT = 0x1c,
};

struct rtc {
        struct dev dev;
        uint64_t offset;     /* added to the host's time */
        uint32_t time_high;  /* latched, or written before its low half */
        uint64_t alarm;
        uint32_t alarm_high; /* written before its low half */
        bool alarm_running, irq_enabled, irq_pending;
        struct timer *timer;
};

static uint64_t rtc_now(struct rtc *r)
{
        return clock_now_ns(r->dev.vm, CLOCK_HOST) + r->offset;
}

static void rtc_update(struct rtc *r)
{
        dev_irq(&r->dev, 0, r->irq_pending && r->irq_enabled);
}

/* Fires at once when the alarm lies in the past. */
static void rtc_arm(struct rtc *r)
{
        uint64_t now = rtc_now(r);
        int64_t at;

        if (!r->alarm_running) {
                timer_cancel(r->timer);
        } else if (r->alarm <= now) {
                r->alarm_running = false;
                r->irq_pending = true;
                timer_cancel(r->timer);
        } else {
                if (r->alarm - now > INT64_MAX ||
                    __builtin_add_overflow(clock_now_ns(r->dev.vm, CLOCK_HOST), (int64_t)(r->alarm - now),
                                           &at))
                        at = INT64_MAX;
                timer_arm(r->timer, at);
        }
        rtc_update(r);
}

static void rtc_fired(void *opaque)
{
        struct rtc *r = opaque;

        dev_enter(&r->dev);
        rtc_arm(r);
        dev_leave(&r->dev);
}

static uint64_t rtc_read(struct dev *d, uint64_t offset, unsigned size)
{
        struct rtc *r = (struct rtc *)d;
        uint64_t now;

        switch (offset) {
        case RTC_TIME_LOW:
                now = rtc_now(r);
                r->time_high = now >> 32;
                return (uint32_t)now;
        case RTC_TIME_HIGH:
                return r->time_high;
        case RTC_ALARM_LOW:
                return (uint32_t)r->alarm;
        case RTC_ALARM_HIGH:
                return r->alarm >> 32;
        case RTC_IRQ_ENABLED:
                return r->irq_enabled;
        case RTC_ALARM_STATUS:
                return r->alarm_running;
        default:
                return 0;
        }
}

static void rtc_write(struct dev *d, uint64_t offset, uint64_t value, unsigned size)
{
        struct rtc *r = (struct rtc *)d;

        switch (offset) {
        case RTC_TIME_LOW:
                r->offset += ((uint64_t)r->time_high << 32 | value) - rtc_now(r);
                rtc_arm(r);
                break;
        case RTC_TIME_HIGH:
                r->time_high = value;
                break;
        case RTC_ALARM_LOW:
                r->alarm = (uint64_t)r->alarm_high << 32 | value;
                r->alarm_running = true;
                rtc_arm(r);
                break;
        case RTC_ALARM_HIGH:
                r->alarm_high = value;
                break;
        case RTC_IRQ_ENABLED:
                r->irq_enabled = value & 1;
                rtc_update(r);
                break;
        case RTC_CLEAR_ALARM:
                r->alarm_running = false;
                rtc_arm(r);
                break;
        case RTC_CLEAR_INTERRUPT:
                r->irq_pending = false;
                rtc_update(r);
                break;
        default:
                dev_guest_error(d, "write to read-only or absent register 0x%" PRIx64, offset);
                break;
        }
}

static bool rtc_init(struct dev *d, GError **error)
{
        struct rtc *r = (struct rtc *)d;

        r->timer = timer_new(d->vm, CLOCK_HOST, rtc_fired, r);
        return true;
}

static void rtc_reset(struct dev *d)
{
        struct rtc *r = (struct rtc *)d;

        /* the time itself survives, as with a battery */
        r->time_high = r->alarm_high = 0;
        r->alarm = 0;
        r->alarm_running = r->irq_enabled = r->irq_pending = false;
        rtc_arm(r);
}

static void rtc_fini(struct dev *d)
{
        timer_free(((struct rtc *)d)->timer);
}

static bool rtc_loaded(struct dev *d, GError **error)
{
        rtc_arm((struct rtc *)d);
        return true;
}

static const struct dev_field rtc_state[] = {
        {"offset", FIELD_U64, offsetof(struct rtc, offset)},
        {"time_high", FIELD_U32, offsetof(struct rtc, time_high)},
        {"alarm", FIELD_U64, offsetof(struct rtc, alarm)},
        {"alarm_high", FIELD_U32, offsetof(struct rtc, alarm_high)},
        {"alarm_running", FIELD_BOOL, offsetof(struct rtc, alarm_running)},
        {"irq_enabled", FIELD_BOOL, offsetof(struct rtc, irq_enabled)},
        {"irq_pending", FIELD_BOOL, offsetof(struct rtc, irq_pending)},
        {},
};

static const struct dev_reg rtc_regs[] = {
        {RTC_TIME_LOW, "TIME_LOW"}, {RTC_TIME_HIGH, "TIME_HIGH"}, {RTC_ALARM_LOW, "ALARM_LOW"},
        {RTC_ALARM_HIGH, "ALARM_HIGH"}, {RTC_IRQ_ENABLED, "IRQ_ENABLED"}, {RTC_CLEAR_ALARM, "CLEAR_ALARM"},
        {RTC_ALARM_STATUS, "ALARM_STATUS"}, {RTC_CLEAR_INTERRUPT, "CLEAR_INTERRUPT"}, {},
};

const struct dev_class dev_goldfish_rtc = {
        .name = "goldfish-rtc", .compat = "google,goldfish-rtc",
        .doc = "real-time clock and alarm, nanoseconds since 1970",
        .size = sizeof(struct rtc), .state = rtc_state, .regs = rtc_regs,
        .regions = {{"regs", 0x1000, ACCESS_4, rtc_read, rtc_write}}, .irqs = 1,
        .init = rtc_init, .reset = rtc_reset, .fini = rtc_fini, .loaded = rtc_loaded,
};
