#include "verbs/digest_output.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

using alert::Digest;
using alert::DigestIssue;

Style level_style(model::Level level) {
  const bool bad = level == model::Level::Fatal || level == model::Level::Error;
  return bad ? Style::Red : level == model::Level::Warning ? Style::Yellow : Style::Plain;
}

std::string rule_table(const Digest& digest, const ShownRule& shown, const Terminal& terminal) {
  TextTable table({{.header = "ISSUE"},
                   {.header = "TITLE", .flexible = true},
                   {.header = "EVENTS", .right = true},
                   {.header = "USERS", .right = true},
                   {.header = "ALERTS", .right = true, .drop_order = 1},
                   {.header = "LEVEL", .drop_order = 2},
                   {.header = "TREND", .drop_order = 3}});
  for (size_t i = 0; i < shown.shown; ++i) {
    const alert::DigestRule::Entry& entry = shown.rule->entries[i];
    const DigestIssue& issue = digest.issues[entry.issue];
    table.add({{issue.short_id, Style::Bold},
               issue.title,
               format_count(issue.counts.events),
               format_count(issue.counts.users),
               format_count(entry.records),
               {std::string(model::level_name(issue.level)), level_style(issue.level)},
               {trend_bar(issue.trend, terminal.utf8), Style::Cyan}});
  }
  return table.render(terminal);
}

void write_issue(JsonWriter& json, const Digest& digest, const alert::DigestRule::Entry& entry) {
  const DigestIssue& issue = digest.issues[entry.issue];
  json.begin_object();
  json.key("id").unsigned_integer(raw(issue.id));
  json.key("short_id").string(issue.short_id);
  json.key("project_id").unsigned_integer(raw(issue.project_id));
  json.key("project").string(issue.project);
  json.key("title").string(issue.title);
  json.key("culprit").string(issue.culprit);
  json.key("level").string(model::level_name(issue.level));
  json.key("events").unsigned_integer(issue.counts.events);
  json.key("users").unsigned_integer(issue.counts.users);
  json.key("alerts").unsigned_integer(entry.records);
  if (!issue.trend.empty()) {
    json.key("trend").begin_array();
    for (const uint64_t count : issue.trend) json.unsigned_integer(count);
    json.end_array();
  }
  json.end_object();
}

void write_time(JsonWriter& json, std::string_view key, TimeUs time, bool known) {
  json.key(key);
  if (known) {
    json.string(format_time(time));
  } else {
    json.null();
  }
}

}  // namespace

std::vector<ShownRule> shown_rules(const DigestReport& report) {
  std::vector<ShownRule> out;
  size_t room = kMaxDigestIssues;
  for (const alert::DigestRule& rule : report.digest.rules) {
    if (out.size() == kMaxDigestRules || room == 0) break;
    const size_t shown = std::min({rule.entries.size(), report.limit, room});
    out.push_back({&rule, shown});
    room -= shown;
  }
  return out;
}

std::vector<uint64_t> total_trend(const Digest& digest) {
  std::vector<uint64_t> total(digest.chart.count);
  for (const DigestIssue& issue : digest.issues) {
    for (size_t i = 0; i < issue.trend.size(); ++i) total[i] += issue.trend[i];
  }
  return total;
}

std::string minute_text(TimeUs time) {
  constexpr size_t kToMinutes = 16;
  std::string text = format_time(time).substr(0, kToMinutes);
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

std::string column_text(const alert::DigestChart& chart) {
  constexpr int64_t kHourUs = 3600 * kMicrosPerSecond;
  const int64_t hours = chart.width_us / kHourUs;
  const bool days = hours % 24 == 0;
  const int64_t count = days ? hours / 24 : hours;
  if (count == 1) return days ? "day" : "hour";
  return fmt::format("{} {}", count, days ? "days" : "hours");
}

std::string count_text(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::vector<std::string> remarks_of(const DigestReport& report) {
  const Digest& digest = report.digest;
  std::vector<std::string> out;
  const size_t shown = shown_rules(report).size();
  if (shown < digest.rules.size()) {
    out.push_back(fmt::format("{} had fewer issues each and are not shown.",
                              count_text(digest.rules.size() - shown, "more rule")));
  }
  const auto left_out = [&](uint64_t count, std::string_view why) {
    if (count == 0) return;
    out.push_back(fmt::format("{} {} left out: {}.", count_text(count, "alert"),
                              count == 1 ? "is" : "are", why));
  };
  left_out(digest.not_unresolved, "the issues are resolved or archived");
  left_out(digest.gone, "the issues are gone");
  left_out(digest.older, "a digest has an end, and these are the oldest");
  return out;
}

std::string digest_text(const DigestReport& report, const Terminal& terminal) {
  const Digest& digest = report.digest;
  std::string out;
  const auto line = [&](std::string_view text) { out.append(text).push_back('\n'); };
  const std::string target =
      report.target.empty() ? "" : " for " + printable(report.target, terminal.utf8);
  line(styled(terminal, Style::Bold,
              fmt::format("Digest{}, {} to {} UTC", target, minute_text(digest.from),
                          minute_text(digest.until))));
  if (digest.empty()) {
    line("no alerts about unresolved issues");
  } else {
    line(fmt::format("{} of {} about {}", count_text(digest.records, "alert"),
                     count_text(digest.rules.size(), "rule"),
                     count_text(digest.issues.size(), "issue")));
    line(fmt::format("events and users from {} to {}; trend by {}, up to {}",
                     minute_text(digest.first), minute_text(digest.last), column_text(digest.chart),
                     minute_text(digest.chart.end())));
    line(fmt::format("all: |{}|",
                     styled(terminal, Style::Cyan, trend_bar(total_trend(digest), terminal.utf8))));
  }
  for (const ShownRule& shown : shown_rules(report)) {
    const size_t issues = shown.rule->entries.size();
    line("");
    line(styled(terminal, Style::Bold,
                fmt::format("{} (rule {}): {}", printable(shown.rule->name, terminal.utf8),
                            shown.rule->rule, count_text(issues, "issue"))));
    if (shown.shown > 0) out += rule_table(digest, shown, terminal);
    if (shown.shown < issues) {
      line(fmt::format("and {}", count_text(issues - shown.shown, "more issue")));
    }
  }
  const std::vector<std::string> remarks = remarks_of(report);
  if (!remarks.empty()) line("");
  for (const std::string& remark : remarks) line(remark);
  return out;
}

std::string digest_json(const DigestReport& report) {
  const Digest& digest = report.digest;
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(report.lsn));
  write_time(json, "from", digest.from, true);
  write_time(json, "until", digest.until, true);
  const bool any = digest.records + digest.gone + digest.not_unresolved > 0;
  write_time(json, "first", digest.first, any);
  write_time(json, "last", digest.last, any);
  json.key("alerts").unsigned_integer(digest.records);
  json.key("issues").unsigned_integer(digest.issues.size());
  json.key("left_out").begin_object();
  json.key("gone").unsigned_integer(digest.gone);
  json.key("not_unresolved").unsigned_integer(digest.not_unresolved);
  json.key("older").unsigned_integer(digest.older).end_object();
  json.key("trend_begin").string(format_time(digest.chart.begin));
  json.key("trend_bucket_seconds").integer(digest.chart.width_us / kMicrosPerSecond);
  json.key("rules").begin_array();
  for (const alert::DigestRule& rule : digest.rules) {
    json.begin_object().key("rule").unsigned_integer(rule.rule).key("name").string(rule.name);
    json.key("issues").begin_array();
    for (const auto& entry : rule.entries) write_issue(json, digest, entry);
    json.end_array().end_object();
  }
  return json.end_array().end_object().take();
}

}  // namespace cairn::verbs
