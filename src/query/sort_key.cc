#include "query/sort_key.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "model/field.h"
#include "query/distinct.h"
#include "query/issue_slots.h"
#include "query/recent_counts.h"
#include "query/score.h"

namespace cairn::query {
namespace {

using Matches = std::vector<PartMatch>;
using Issues = std::span<const IssueTotals>;

template <class F>
std::vector<int64_t> key_of_each(Issues issues, F&& key) {
  std::vector<int64_t> keys;
  keys.reserve(issues.size());
  for (const IssueTotals& issue : issues) keys.push_back(key(issue));
  return keys;
}

// Distinct users of each of the issues, in one pass over the matches.
std::vector<int64_t> count_users(const View& view, const Matches& parts, const IssueSlots& slots) {
  using model::field::kUser;
  const uint64_t bound = uint64_t{view.dictionary->value_count(kUser)} + 1;
  std::vector<DistinctSet> users(slots.size(), DistinctSet(bound));
  Holding held(view.meter);
  const uint64_t fixed = slots.bytes() + users.size() * sizeof(DistinctSet);
  const uint64_t as_bits = users.size() * (bound / 8);
  uint64_t added = 0;
  held.set(fixed);
  std::array<ValueId, Block::kSize> values;
  std::array<FingerprintId, Block::kSize> fingerprints;
  for (const PartMatch& match : parts) {
    match.for_each_block([&](const Block& block) {
      block.column(kUser, values.data());
      block.fingerprints(fingerprints.data());
      for (size_t i = 0; i < block.size(); ++i) {
        const uint32_t slot = slots.of(fingerprints[i]);
        if (slot != IssueSlots::kOther) users[slot].add(raw(values[i]));
      }
      added += block.size();
      held.set(fixed + std::min(as_bits, added * 8));  // at most, as distinct.h says
    });
  }
  std::vector<int64_t> counts;
  counts.reserve(users.size());
  ScratchBits scratch;
  for (const DistinctSet& set : users) counts.push_back(static_cast<int64_t>(set.count(scratch)));
  return counts;
}

std::vector<RecentCount> count_recent(const View& view, const Matches& parts,
                                      const IssueSlots& slots, TimeUs now,
                                      const RecentWindows& windows) {
  Holding held(view.meter);
  held.set(slots.bytes() + slots.size() * sizeof(RecentCount));
  RecentCounter counter(view, slots, now, windows);
  for (const PartMatch& match : parts) {
    if (go_on(view.meter)) counter.add(match);
  }
  return counter.take();
}

// The highest level among the matches of each issue: 3 fatal, 2 error, 1 warning, 0 any other.
Result<std::vector<uint8_t>> highest_levels(const View& view, const Matches& parts,
                                            const IssueSlots& slots) {
  using model::field::kLevel;
  constexpr std::array<std::string_view, 3> kLevels = {"warning", "error", "fatal"};
  std::vector<uint8_t> highest(slots.size(), 0);
  for (uint8_t rank = 1; rank <= kLevels.size(); ++rank) {
    CAIRN_TRY_ASSIGN(const auto value, view.dictionary->find(kLevel, kLevels[rank - 1], view.txn));
    if (!value) continue;
    for (const PartMatch& match : parts) {
      if (!go_on(view.meter)) break;
      storage::Bitmap of_level = match.part->posting(kLevel, *value);
      if (match.bitmap) {
        of_level.and_with(*match.bitmap);
      } else if (!match.whole()) {
        of_level.and_with(bitmap_of(match.ranges));
      }
      if (of_level.empty()) continue;
      match.part->roll_up(&of_level, [&](const storage::FingerprintRollup& rollup) {
        const uint32_t slot = slots.of(rollup.fingerprint);
        if (slot != IssueSlots::kOther) highest[slot] = rank;
      });
    }
  }
  return highest;
}

std::vector<int64_t> by_trends(const View& view, const Matches& parts, Issues issues, TimeUs now) {
  const IssueSlots slots(view, issues);
  const auto recent = count_recent(view, parts, slots, now, {kHourUs, 7 * 24 * kHourUs, true});
  std::vector<int64_t> keys;
  keys.reserve(issues.size());
  for (size_t i = 0; i < issues.size(); ++i) {
    keys.push_back(trends_key(
        {age_us(now, issues[i].first), recent[i].weight, recent[i].shortly, recent[i].lately}));
  }
  return keys;
}

Result<std::vector<int64_t>> by_recommendation(const View& view, const Matches& parts,
                                               Issues issues, TimeUs now) {
  const IssueSlots slots(view, issues);
  const auto recent = count_recent(view, parts, slots, now, {6 * kHourUs, 72 * kHourUs, false});
  const auto users = count_users(view, parts, slots);
  CAIRN_TRY_ASSIGN(const auto levels, highest_levels(view, parts, slots));
  std::vector<int64_t> keys;
  keys.reserve(issues.size());
  for (size_t i = 0; i < issues.size(); ++i) {
    RecommendedSignals signals;
    signals.since_last_us = age_us(now, issues[i].last);
    signals.last_6_hours = recent[i].shortly;
    signals.last_3_days = recent[i].lately;
    signals.level = levels[i];
    signals.users = static_cast<uint64_t>(users[i]);
    signals.occurrences = issues[i].count;
    const uint32_t type = view.state->group(issues[i].id).type;
    signals.type_priority = view.state->type(type).default_priority;
    keys.push_back(recommended_key(signals));
  }
  return keys;
}

Result<std::vector<int64_t>> keys_of(const View& view, const Matches& parts, Issues issues,
                                     Sort sort, TimeUs now) {
  switch (sort) {
    case Sort::Date:
      return key_of_each(issues, [](const IssueTotals& issue) { return raw(issue.last); });
    case Sort::New:
      return key_of_each(issues, [](const IssueTotals& issue) { return raw(issue.first); });
    case Sort::Freq:
      return key_of_each(
          issues, [](const IssueTotals& issue) { return static_cast<int64_t>(issue.count); });
    case Sort::User:
      return count_users(view, parts, IssueSlots(view, issues));
    case Sort::Trends:
      return by_trends(view, parts, issues, now);
    case Sort::Recommended:
      return by_recommendation(view, parts, issues, now);
    case Sort::Priority:
      break;
  }
  return key_of_each(issues, [&](const IssueTotals& issue) {
    return priority_key(view.state->group(issue.id).priority, issue.last);
  });
}

}  // namespace

Result<std::vector<int64_t>> sort_keys(const View& view, const std::vector<PartMatch>& parts,
                                       std::span<const IssueTotals> issues, Sort sort, TimeUs now) {
  CAIRN_TRY_ASSIGN(auto keys, keys_of(view, parts, issues, sort, now));
  CAIRN_TRY(check(view.meter));
  return keys;
}

}  // namespace cairn::query
