#include "verbs/issue_table.h"

#include <algorithm>
#include <array>

#include "verbs/output.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

constexpr int64_t kMinuteUs = 60 * kMicrosPerSecond;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kDayUs = 24 * kHourUs;
constexpr uint32_t kBuckets = 14;
constexpr uint32_t kFewBuckets = 10;  // on a terminal narrower than kRoomyWidth
constexpr int kRoomyWidth = 100;

bool all_zero(const query::SearchPage& page) {
  for (const auto& row : page.issues) {
    for (const uint64_t count : row.trend) {
      if (count > 0) return false;
    }
  }
  return true;
}

// The narrowest handy bucket such that all of them reach back to `first`.
int64_t bucket_for(TimeUs first, TimeUs now, uint32_t buckets) {
  constexpr std::array<int64_t, 12> kHandy = {
      kMinuteUs, 5 * kMinuteUs, 15 * kMinuteUs, kHourUs,     4 * kHourUs,  12 * kHourUs,
      kDayUs,    7 * kDayUs,    30 * kDayUs,    90 * kDayUs, 365 * kDayUs, 3650 * kDayUs};
  const int64_t span = raw(now) - raw(first);
  for (const int64_t width : kHandy) {
    if (width * buckets > span) return width;
  }
  return kHandy.back();
}

Style level_style(model::Level level) {
  switch (level) {
    case model::Level::Fatal:
    case model::Level::Error:
      return Style::Red;
    case model::Level::Warning:
      return Style::Yellow;
    default:
      return Style::Plain;
  }
}

}  // namespace

Result<query::SearchPage> search_with_trend(const engine::Snapshot& snapshot, std::string_view text,
                                            const Terminal& terminal,
                                            query::SearchOptions& options) {
  options.trend_buckets = terminal.width < kRoomyWidth ? kFewBuckets : kBuckets;
  options.trend_bucket_us = kDayUs;
  CAIRN_TRY_ASSIGN(auto page, snapshot.search(text, options));
  options.now = page.now;  // with a cursor, its list's
  if (page.issues.empty() || !all_zero(page)) return page;
  TimeUs first = page.issues.front().first;
  for (const auto& row : page.issues) first = std::min(first, row.first);
  if (raw(first) > raw(options.now)) return page;
  options.trend_bucket_us = bucket_for(first, options.now, options.trend_buckets);
  return snapshot.search(text, options);
}

std::string issue_table(const model::Forest& forest, const query::SearchPage& page,
                        const query::SearchOptions& options, const Terminal& terminal) {
  const size_t buckets = page.issues.empty() ? 0 : page.issues.front().trend.size();
  const std::string trend =
      "LAST " + span_text(page.trend_bucket_us * static_cast<int64_t>(buckets));
  TextTable table({{.header = "ISSUE"},
                   {.header = "TITLE", .flexible = true},
                   {.header = "EVENTS", .right = true},
                   {.header = "USERS", .right = true},
                   {.header = "FIRST", .right = true, .drop_order = 2},
                   {.header = "SEEN", .right = true},
                   {.header = "LEVEL", .drop_order = 3},
                   {.header = "STATUS", .drop_order = 1},
                   {.header = trend, .drop_order = 4}});
  const model::State& state = forest.state();
  for (const query::IssueRow& row : page.issues) {
    const model::Group& group = state.group(row.id);
    const model::Totals totals = forest.totals(row.id);
    const size_t merged = forest.members(row.id).size() - 1;
    const model::Level level = forest.face_of(row.id).level;
    std::string title(group.title);
    if (merged > 0) title = "(+" + std::to_string(merged) + ") " + title;
    table.add({{state.short_id(row.id), Style::Bold},
               std::move(title),
               std::to_string(row.count),
               std::to_string(row.users),
               format_age(options.now, totals.first_seen),
               format_age(options.now, totals.last_seen),
               {std::string(model::level_name(level)), level_style(level)},
               status_text(forest.shown_status(row.id)),
               {trend_bar(row.trend, terminal.utf8), Style::Cyan}});
  }
  return table.render(terminal);
}

std::string span_text(int64_t span_us) {
  if (span_us % (365 * kDayUs) == 0) return std::to_string(span_us / (365 * kDayUs)) + "y";
  if (span_us % kDayUs == 0) return std::to_string(span_us / kDayUs) + "d";
  if (span_us % kHourUs == 0) return std::to_string(span_us / kHourUs) + "h";
  if (span_us % kMinuteUs == 0) return std::to_string(span_us / kMinuteUs) + "m";
  return std::to_string(span_us / kMicrosPerSecond) + "s";
}

}  // namespace cairn::verbs
