#include "client/generate.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/generate_plan.h"
#include "client/generate_random.h"
#include "client/generate_schedule.h"
#include "client/generate_text.h"

namespace cairn::client {
namespace {

// One range of an option, with the name the command line gives it.
struct Range {
  std::string_view name;
  uint64_t value = 0;
  uint64_t low = 0;
  uint64_t high = 0;
};

Result<void> check(const Range& range) {
  if (range.value >= range.low && range.value <= range.high) return {};
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("generate: {} is {}, but must be between {} and {}", range.name,
                                range.value, range.low, range.high));
}

// `value`, or when it is 0 the default for the size of the run, kept between low and high. A pool
// is larger than what a run draws from it, as most of its rare members never occur.
uint32_t or_default(uint32_t value, uint64_t by_size, uint64_t low, uint64_t high) {
  return value != 0 ? value : static_cast<uint32_t>(std::clamp(by_size, low, high));
}

}  // namespace

Result<GenerateOptions> resolve_options(const GenerateOptions& options) {
  const uint64_t n = options.occurrences;
  GenerateOptions resolved = options;
  resolved.projects = or_default(options.projects, n / 500, 1, 20);
  resolved.fingerprints = or_default(options.fingerprints, n / 30, 40, 4'000'000);
  resolved.users = or_default(options.users, n / 4, 50, 10'000'000);
  resolved.urls = or_default(options.urls, n / 450, 40, 200'000);
  resolved.releases_per_project = or_default(options.releases_per_project, n / 1000, 10, 200);
  // Upper limits bound memory (24 bytes a fingerprint) and keep fixed-point sums in 64 bits.
  CAIRN_TRY(check({"occurrences", n, 0, kMaxGenerated}));
  CAIRN_TRY(check({"projects", resolved.projects, 1, 1000}));
  CAIRN_TRY(check({"fingerprints", resolved.fingerprints, 1, 8'000'000}));
  CAIRN_TRY(check({"users", resolved.users, 1, 1'000'000'000}));
  CAIRN_TRY(check({"urls", resolved.urls, 1, 100'000'000}));
  CAIRN_TRY(check({"releases", resolved.releases_per_project, 1, 100'000}));
  CAIRN_TRY(check({"days", resolved.days, 1, 3650}));
  CAIRN_TRY(check({"body", resolved.body_bytes, 0, kMaxGeneratedBody}));
  constexpr int64_t kSecondsPerDay = 86'400;
  constexpr int64_t kEndOf9999 = 253'402'300'799;
  if (options.end_time_s < resolved.days * kSecondsPerDay || options.end_time_s > kEndOf9999) {
    return make_error(ErrorCode::InvalidArgument,
                      "generate: the end time must lie after 1970 plus the days of the run and "
                      "before the year 10000");
  }
  return resolved;
}

Result<void> generate(const GenerateOptions& options, const BlockSink& sink) {
  CAIRN_TRY_ASSIGN(const GenerateOptions resolved, resolve_options(options));
  if (resolved.occurrences == 0) return {};
  const FingerprintPlan plan(resolved);
  const OccurrenceWriter writer(resolved, plan);
  BurstMix mix(plan, resolved);
  Schedule schedule(resolved);
  Random random(resolved.stream == 0 ? resolved.seed : resolved.seed ^ mix64(resolved.stream));
  LineBlock block(resolved.body_bytes);
  const auto span_ms = static_cast<uint64_t>(schedule.span_ms());
  for (uint64_t i = 0; i < resolved.occurrences; ++i) {
    Happening happening;
    happening.fingerprint =
        mix.next(random, static_cast<uint32_t>((i << 16) / resolved.occurrences));
    happening.time_ms = schedule.next(static_cast<uint32_t>(random.next() >> 48));
    const auto passed_ms = static_cast<uint64_t>(happening.time_ms - schedule.start_ms());
    happening.progress_q32 = static_cast<uint32_t>((passed_ms << 24) / span_ms << 8);
    writer.write(block, happening, random);
    if (block.full()) {
      CAIRN_TRY(sink(block.text()));
      block.clear();
    }
  }
  return block.size() == 0 ? Result<void>() : sink(block.text());
}

}  // namespace cairn::client
