/* SPDX-License-Identifier: MIT */
/*
 * Vectors of 128 bits for the programs of bench/simd, as AdvSIMD (Arm C Language Extensions, "Advanced SIMD
 * intrinsics") and as SSE2 (Intel's intrinsics): the same source makes what people write for either.
 * Arithmetic, comparisons and shuffles with constant patterns are the compiler's vector extensions; what they
 * do not express is here. Functions whose lanes differ between the two say so; then only their sum may reach
 * a checksum.
 */
#ifndef SIMD_H
#define SIMD_H

#include <stdint.h>

typedef float v4f __attribute__((vector_size(16)));
typedef double v2d __attribute__((vector_size(16)));
typedef uint8_t v16u8 __attribute__((vector_size(16)));
typedef int16_t v8i16 __attribute__((vector_size(16)));
typedef uint16_t v8u16 __attribute__((vector_size(16)));
typedef int32_t v4i32 __attribute__((vector_size(16)));
typedef uint32_t v4u32 __attribute__((vector_size(16)));
typedef uint64_t v2u64 __attribute__((vector_size(16)));

#define V_SHUFFLE __builtin_shufflevector

static inline v16u8 v_splat_u8(uint8_t x)
{
        return (v16u8){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

static inline v8i16 v_splat_i16(int16_t x)
{
        return (v8i16){x, x, x, x, x, x, x, x};
}

static inline v4f v_splat_f(float x)
{
        return (v4f){x, x, x, x};
}

static inline v2d v_splat_d(double x)
{
        return (v2d){x, x};
}

static inline v4i32 v_splat_i32(int32_t x)
{
        return (v4i32){x, x, x, x};
}

/* Bytes of a and b in turn, from the lower and the upper halves. */
static inline v16u8 v_zip_low(v16u8 a, v16u8 b)
{
        return V_SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline v16u8 v_zip_high(v16u8 a, v16u8 b)
{
        return V_SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

static inline float v_sum_f(v4f v)
{
        v4f w = v + V_SHUFFLE(v, v, 2, 3, 0, 1);

        return w[0] + w[1];
}

#if defined(__aarch64__)
#include <arm_neon.h>

static inline v16u8 v_load(const void *p)
{
        return (v16u8)vld1q_u8(p);
}

static inline void v_store(void *p, v16u8 v)
{
        vst1q_u8(p, (uint8x16_t)v);
}

static inline v16u8 v_min_u8(v16u8 a, v16u8 b)
{
        return (v16u8)vminq_u8((uint8x16_t)a, (uint8x16_t)b);
}

static inline v16u8 v_max_u8(v16u8 a, v16u8 b)
{
        return (v16u8)vmaxq_u8((uint8x16_t)a, (uint8x16_t)b);
}

static inline v16u8 v_avg_u8(v16u8 a, v16u8 b)
{
        return (v16u8)vrhaddq_u8((uint8x16_t)a, (uint8x16_t)b);
}

static inline v16u8 v_add_sat_u8(v16u8 a, v16u8 b)
{
        return (v16u8)vqaddq_u8((uint8x16_t)a, (uint8x16_t)b);
}

static inline v16u8 v_sub_sat_u8(v16u8 a, v16u8 b)
{
        return (v16u8)vqsubq_u8((uint8x16_t)a, (uint8x16_t)b);
}

static inline v16u8 v_select(v16u8 mask, v16u8 yes, v16u8 no)
{
        return (v16u8)vbslq_u8((uint8x16_t)mask, (uint8x16_t)yes, (uint8x16_t)no);
}

/* Adds sums of |a - b| to lanes of acc, not the same for each guest. */
static inline v4u32 v_add_differences(v4u32 acc, v16u8 a, v16u8 b)
{
        return (v4u32)vpadalq_u16((uint32x4_t)acc, vpaddlq_u8(vabdq_u8((uint8x16_t)a, (uint8x16_t)b)));
}

static inline uint32_t v_sum_u32(v4u32 v)
{
        return vaddvq_u32((uint32x4_t)v);
}

/* Adds the products of a and b to lanes of acc, not the same for each guest. */
static inline v4i32 v_add_products(v4i32 acc, v8i16 a, v8i16 b)
{
        int32x4_t low = vmlal_s16((int32x4_t)acc, vget_low_s16((int16x8_t)a), vget_low_s16((int16x8_t)b));

        return (v4i32)vmlal_high_s16(low, (int16x8_t)a, (int16x8_t)b);
}

/* Eight pixels of R, G, B, A bytes as 16-bit lanes. */
static inline void v_load_rgb(const uint8_t *p, v8u16 *r, v8u16 *g, v8u16 *b)
{
        uint8x8x4_t pixels = vld4_u8(p);

        *r = (v8u16)vmovl_u8(pixels.val[0]);
        *g = (v8u16)vmovl_u8(pixels.val[1]);
        *b = (v8u16)vmovl_u8(pixels.val[2]);
}

/* The lower bytes of the lanes of a, then of b; all are below 256. */
static inline v16u8 v_narrow_u16(v8u16 a, v8u16 b)
{
        return (v16u8)vmovn_high_u16(vmovn_u16((uint16x8_t)a), (uint16x8_t)b);
}

static inline v8i16 v_narrow_sat_i32(v4i32 a, v4i32 b)
{
        return (v8i16)vqmovn_high_s32(vqmovn_s32((int32x4_t)a), (int32x4_t)b);
}

static inline v4i32 v_widen_low_i16(v8i16 v)
{
        return (v4i32)vmovl_s16(vget_low_s16((int16x8_t)v));
}

static inline v4i32 v_widen_high_i16(v8i16 v)
{
        return (v4i32)vmovl_high_s16((int16x8_t)v);
}

/* To the nearest, ties to even. */
static inline v4i32 v_round_f(v4f v)
{
        return (v4i32)vcvtnq_s32_f32((float32x4_t)v);
}

static inline v4f v_convert_i32(v4i32 v)
{
        return (v4f)vcvtq_f32_s32((int32x4_t)v);
}

/* The hexadecimal digits of numbers below 16. */
static inline v16u8 v_hex_digits(v16u8 v)
{
        static const uint8_t digits[17] = "0123456789abcdef";

        return (v16u8)vqtbl1q_u8(vld1q_u8(digits), (uint8x16_t)v);
}

/* Not 0 if a byte of the mask is; V_MASK_STEP bits a byte, the first byte's lowest. */
#define V_MASK_STEP 4
static inline uint64_t v_mask_u8(v16u8 mask)
{
        return vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8((uint8x16_t)mask), 4)), 0);
}

static inline int v_any_i32(v4i32 mask)
{
        return vmaxvq_u32((uint32x4_t)mask) != 0;
}

#elif defined(__SSE2__)
#include <emmintrin.h>

static inline v16u8 v_load(const void *p)
{
        return (v16u8)_mm_loadu_si128(p);
}

static inline void v_store(void *p, v16u8 v)
{
        _mm_storeu_si128(p, (__m128i)v);
}

static inline v16u8 v_min_u8(v16u8 a, v16u8 b)
{
        return (v16u8)_mm_min_epu8((__m128i)a, (__m128i)b);
}

static inline v16u8 v_max_u8(v16u8 a, v16u8 b)
{
        return (v16u8)_mm_max_epu8((__m128i)a, (__m128i)b);
}

static inline v16u8 v_avg_u8(v16u8 a, v16u8 b)
{
        return (v16u8)_mm_avg_epu8((__m128i)a, (__m128i)b);
}

static inline v16u8 v_add_sat_u8(v16u8 a, v16u8 b)
{
        return (v16u8)_mm_adds_epu8((__m128i)a, (__m128i)b);
}

static inline v16u8 v_sub_sat_u8(v16u8 a, v16u8 b)
{
        return (v16u8)_mm_subs_epu8((__m128i)a, (__m128i)b);
}

static inline v16u8 v_select(v16u8 mask, v16u8 yes, v16u8 no)
{
        return (v16u8)_mm_or_si128(_mm_and_si128((__m128i)mask, (__m128i)yes),
                                   _mm_andnot_si128((__m128i)mask, (__m128i)no));
}

static inline v4u32 v_add_differences(v4u32 acc, v16u8 a, v16u8 b)
{
        return acc + (v4u32)_mm_sad_epu8((__m128i)a, (__m128i)b);
}

static inline uint32_t v_sum_u32(v4u32 v)
{
        v4u32 w = v + V_SHUFFLE(v, v, 2, 3, 0, 1);

        return w[0] + w[1];
}

static inline v4i32 v_add_products(v4i32 acc, v8i16 a, v8i16 b)
{
        return acc + (v4i32)_mm_madd_epi16((__m128i)a, (__m128i)b);
}

static inline v8u16 v_channel(__m128i low, __m128i high, int shift)
{
        __m128i byte = _mm_set1_epi32(0xff);

        return (v8u16)_mm_packs_epi32(_mm_and_si128(_mm_srli_epi32(low, shift), byte),
                                      _mm_and_si128(_mm_srli_epi32(high, shift), byte));
}

static inline void v_load_rgb(const uint8_t *p, v8u16 *r, v8u16 *g, v8u16 *b)
{
        __m128i low = _mm_loadu_si128((const __m128i *)p), high = _mm_loadu_si128((const __m128i *)(p + 16));

        *r = v_channel(low, high, 0);
        *g = v_channel(low, high, 8);
        *b = v_channel(low, high, 16);
}

static inline v16u8 v_narrow_u16(v8u16 a, v8u16 b)
{
        return (v16u8)_mm_packus_epi16((__m128i)a, (__m128i)b);
}

static inline v8i16 v_narrow_sat_i32(v4i32 a, v4i32 b)
{
        return (v8i16)_mm_packs_epi32((__m128i)a, (__m128i)b);
}

static inline v4i32 v_widen_low_i16(v8i16 v)
{
        return (v4i32)_mm_srai_epi32(_mm_unpacklo_epi16((__m128i)v, (__m128i)v), 16);
}

static inline v4i32 v_widen_high_i16(v8i16 v)
{
        return (v4i32)_mm_srai_epi32(_mm_unpackhi_epi16((__m128i)v, (__m128i)v), 16);
}

static inline v4i32 v_round_f(v4f v)
{
        return (v4i32)_mm_cvtps_epi32((__m128)v);
}

static inline v4f v_convert_i32(v4i32 v)
{
        return (v4f)_mm_cvtepi32_ps((__m128i)v);
}

static inline v16u8 v_hex_digits(v16u8 v)
{
        __m128i letters = _mm_cmpgt_epi8((__m128i)v, _mm_set1_epi8(9));

        return v + '0' + (v16u8)_mm_and_si128(letters, _mm_set1_epi8('a' - '9' - 1));
}

#define V_MASK_STEP 1
static inline uint64_t v_mask_u8(v16u8 mask)
{
        return (uint32_t)_mm_movemask_epi8((__m128i)mask);
}

static inline int v_any_i32(v4i32 mask)
{
        return _mm_movemask_ps((__m128)mask) != 0;
}

#else
#error "no vectors for this guest"
#endif

static inline v4f v_load_f(const float *p)
{
        return (v4f)v_load(p);
}

static inline void v_store_f(float *p, v4f v)
{
        v_store(p, (v16u8)v);
}

static inline v2d v_load_d(const double *p)
{
        return (v2d)v_load(p);
}

static inline void v_store_d(double *p, v2d v)
{
        v_store(p, (v16u8)v);
}

#endif
