// What load `cairn generate` makes; client/generate.h makes it.
#pragma once

#include <cstdint>

namespace cairn::verbs {

// Pools that are 0 follow from the number of occurrences, so that 10 M have about 200,000
// fingerprints, 1 M users and 20,000 urls that occur at all (resolve_options).
struct GenerateOptions {
  uint64_t occurrences = 100'000;  // at most kMaxGenerated
  uint64_t seed = 1;
  uint64_t stream =
      0;  // another one: the same problems, users and urls strike again, in other ways
  uint32_t projects = 0;              // default 20, fewer below 10,000 occurrences
  uint32_t fingerprints = 0;          // pool of fine ones, all projects; default occurrences / 30
  uint32_t users = 0;                 // pool of people; default occurrences / 4
  uint32_t urls = 0;                  // pool over all projects; default occurrences / 450
  uint32_t releases_per_project = 0;  // default 200, fewer below 200,000 occurrences
  // Above 0 every event has an exception whose stack trace fills about so many bytes more.
  uint32_t body_bytes = 0;
  // The last occurrence lies just before this time. Fixed, as a run must not depend on the day it
  // is made: 2026-11-01T00:00:00Z.
  int64_t end_time_s = 1'793'491'200;
  uint32_t days = 30;
};

// Above it the arithmetic of the time plan would overflow 64 bits.
inline constexpr uint64_t kMaxGenerated = 2'000'000'000;
inline constexpr uint32_t kMaxGeneratedBody = 1u << 20;

}  // namespace cairn::verbs
