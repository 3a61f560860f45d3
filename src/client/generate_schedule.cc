#include "client/generate_schedule.h"

#include <array>

#include "client/generate_random.h"

namespace cairn::client {
namespace {

constexpr uint64_t kScheduleSalt = 0x74696d65;
constexpr int64_t kMsPerHour = 3'600'000;
constexpr int64_t kMsPerDay = 24 * kMsPerHour;

// Load of a service whose users live around UTC: quiet at night, a plateau by day. Percent.
constexpr std::array<uint32_t, 24> kHours = {38, 32, 28, 26, 27, 33, 45, 62, 80, 92, 98, 100,
                                             96, 98, 99, 97, 94, 90, 86, 84, 80, 72, 60, 48};
// Monday first. Percent.
constexpr std::array<uint32_t, 7> kWeekdays = {98, 100, 99, 97, 90, 58, 55};

}  // namespace

Schedule::Schedule(const GenerateOptions& resolved)
    : occurrences_(resolved.occurrences),
      start_ms_(resolved.end_time_s * 1000 - resolved.days * kMsPerDay),
      slot_ms_(resolved.days * kMsPerDay / kSlots) {
  Random random(resolved.seed ^ kScheduleSalt);
  weight_before_.reserve(kSlots + 1);
  uint64_t sum = 0;
  uint32_t incident_left = 0;  // slots
  uint32_t incident_factor = 1;
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    weight_before_.push_back(sum);
    const int64_t time_ms = start_ms_ + slot * slot_ms_;
    const auto hour = static_cast<size_t>(time_ms % kMsPerDay / kMsPerHour);
    const auto weekday = static_cast<size_t>((time_ms / kMsPerDay + 3) % 7);  // day 0: a Thursday
    if (incident_left == 0 && random.below(240) == 0) {
      incident_left = 1 + random.below(12);
      incident_factor = 2 + random.below(4);
    }
    const uint32_t noise = 8 + random.below(5);
    const uint32_t factor = incident_left > 0 ? incident_factor : 1;
    if (incident_left > 0) --incident_left;
    sum += uint64_t{kHours[hour]} * kWeekdays[weekday] * noise * factor;
  }
  weight_before_.push_back(sum);
  slot_count_ = before_slot(1);
}

uint64_t Schedule::before_slot(uint32_t slot) const {
  return occurrences_ * weight_before_[slot] / weight_before_.back();
}

int64_t Schedule::next(uint32_t bits) {
  while (in_slot_ == slot_count_) {
    ++slot_;
    in_slot_ = 0;
    slot_count_ = before_slot(slot_ + 1) - before_slot(slot_);
  }
  // Each occurrence of a slot gets an equal piece of it and falls somewhere within.
  const uint64_t place = (in_slot_ << 16 | (bits & 0xffff)) * static_cast<uint64_t>(slot_ms_);
  const auto offset_ms = static_cast<int64_t>((place / slot_count_) >> 16);
  ++in_slot_;
  return start_ms_ + slot_ * slot_ms_ + offset_ms;
}

}  // namespace cairn::client
