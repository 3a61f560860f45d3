// Strong types for ids and times. They are integers that do not mix by accident; convert with
// raw().
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <type_traits>

namespace cairn {

// Log sequence number: the n-th record of the log, counted from 1. 0 = before the first record.
enum class Lsn : uint64_t {};

// The project number of the wire form (1 .. 2^63-1).
enum class ProjectId : uint64_t {};

// A group (leaf or view), dense from 1 in order of creation over the whole store. 0 = none.
enum class GroupId : uint32_t {};

// A (project, fingerprint) that decides groups, dense from 1 in order of first appearance. 0 =
// none.
enum class FingerprintId : uint32_t {};

// A name in the field table: builtin fields below kFirstTagField, tags above (model/field.h).
enum class FieldId : uint16_t {};

// A value in the dictionary of one field, dense from 1 in order of first appearance. 0 = no value.
enum class ValueId : uint32_t {};

// Position of an occurrence inside one part of the index (the head or a segment), dense from 0.
using Ordinal = uint32_t;

// Microseconds since 1970-01-01T00:00:00Z. Range: years 1 to 9999.
enum class TimeUs : int64_t {};

inline constexpr int64_t kMicrosPerSecond = 1'000'000;

template <class E>
requires std::is_enum_v<E>
constexpr std::underlying_type_t<E> raw(E e) { return static_cast<std::underlying_type_t<E>>(e); }

constexpr Lsn next(Lsn lsn) { return Lsn{raw(lsn) + 1}; }

}  // namespace cairn
