#include "verbs/profile_output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

using query::Profile;
using Outcome = Profile::Part::Outcome;

constexpr size_t kLongestText = 80;

// Of a condition over all parts that were asked.
struct Sums {
  uint64_t estimated = 0;
  uint64_t found = 0;
  int64_t us = 0;
  std::array<uint32_t, query::kWays> ways{};

  explicit Sums(const Profile::Node& node) {
    for (const Profile::Work& work : node.work) {
      estimated += work.estimated;
      found += work.found;
      us += work.us;
      ++ways[static_cast<size_t>(work.way)];
    }
  }
  // "posting in 4, skipped in 1".
  std::string text() const {
    std::string out;
    for (size_t way = 0; way < ways.size(); ++way) {
      if (ways[way] == 0) continue;
      if (!out.empty()) out += ", ";
      out += fmt::format("{} in {}", way_name(static_cast<query::Way>(way)), ways[way]);
    }
    return out.empty() ? "not asked" : out;
  }
};

std::string time_text(int64_t us) { return format_seconds(static_cast<double>(us) / 1e6); }

std::string condition_text(const Profile::Node& node, const Terminal& terminal) {
  std::string text = node.text;
  if (text.empty() || node.kind == "and" || node.kind == "or" || node.kind == "not") {
    text = node.kind + (text.empty() ? "" : " " + text);
  }
  const bool elsewhere = !node.field.empty() && node.text.find(node.field) == std::string::npos;
  if (elsewhere) text += " in " + node.field;
  if (node.values && *node.values != 1) text += fmt::format(" ({} values)", *node.values);
  return fit(printable(text, terminal.utf8), kLongestText, terminal.utf8);
}

void add_node(const Profile::Node& node, size_t depth, const Terminal& terminal, TextTable& table) {
  const Sums sums(node);
  const std::string text = std::string(2 * depth, ' ') + condition_text(node, terminal);
  if (node.kind == "not" && node.work.empty()) {
    table.add({text, "", "", "", "taken away from the others"});
  } else {
    table.add({text, format_count(sums.estimated), format_count(sums.found), time_text(sums.us),
               sums.text()});
  }
  for (const Profile::Node& child : node.children) add_node(child, depth + 1, terminal, table);
}

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::PrunedByTime:
      return "pruned by time";
    case Outcome::PrunedByPlan:
      return "pruned by plan";
    case Outcome::NoMatch:
      return "no match";
    case Outcome::Matched:
      break;
  }
  return "matched";
}

std::string issues_text(const Profile::Issues& issues, bool utf8) {
  std::string conditions;
  for (const std::string& condition : issues.conditions) {
    conditions += (conditions.empty() ? "" : " ") + condition;
  }
  return fmt::format("issues: {}: at most {}, {} asked, {} passed\n", printable(conditions, utf8),
                     format_count(issues.estimated), format_count(issues.asked),
                     format_count(issues.passed));
}

std::string range_text(const query::TimeRange& range) {
  std::string out = "time:";
  const query::TimeRange all;
  if (range.begin != all.begin) out += " from " + format_time(range.begin);
  if (range.end != all.end) out += " until " + format_time(range.end);
  return out;
}

// "time one by one in 3, ..." of all parts.
std::string further_ways(const Profile& profile) {
  std::vector<std::pair<std::string, size_t>> counts;
  for (const Profile::Part& part : profile.parts) {
    for (const std::string& way : part.ways) {
      const auto known = std::find_if(counts.begin(), counts.end(),
                                      [&](const auto& count) { return count.first == way; });
      if (known == counts.end()) {
        counts.emplace_back(way, 1);
      } else {
        ++known->second;
      }
    }
  }
  std::string out;
  for (const auto& [way, count] : counts) {
    out += fmt::format("{}{} in {}", out.empty() ? "" : ", ", way, count);
  }
  return out;
}

std::string parts_text(const Profile& profile) {
  uint64_t occurrences = 0, asked = 0;
  for (const Profile::Part& part : profile.parts) {
    const bool pruned =
        part.outcome == Outcome::PrunedByTime || part.outcome == Outcome::PrunedByPlan;
    occurrences += part.occurrences;
    asked += pruned ? 0 : part.occurrences;
  }
  std::string out = fmt::format("parts: {} of {} pruned, {} of {} occurrences left, {} matched\n",
                                profile.pruned(), profile.parts.size(), format_count(asked),
                                format_count(occurrences), format_count(profile.matches()));
  const std::string ways = further_ways(profile);
  if (!ways.empty()) out += "then: " + ways + "\n";
  return out;
}

void write_work(JsonWriter& json, const Profile::Work& work) {
  json.begin_object().key("part").unsigned_integer(work.part);
  json.key("estimated").unsigned_integer(work.estimated);
  json.key("found").unsigned_integer(work.found);
  json.key("us").integer(work.us);
  json.key("way").string(way_name(work.way)).end_object();
}

void write_node(JsonWriter& json, const Profile::Node& node) {
  const Sums sums(node);
  json.begin_object().key("kind").string(node.kind);
  if (!node.text.empty()) json.key("text").string(node.text);
  if (!node.field.empty()) json.key("field").string(node.field);
  if (node.values) json.key("values").unsigned_integer(*node.values);
  json.key("estimated").unsigned_integer(sums.estimated);
  json.key("found").unsigned_integer(sums.found);
  json.key("us").integer(sums.us);
  json.key("ways").begin_object();
  for (size_t way = 0; way < sums.ways.size(); ++way) {
    if (sums.ways[way] == 0) continue;
    json.key(way_name(static_cast<query::Way>(way))).unsigned_integer(sums.ways[way]);
  }
  json.end_object().key("parts").begin_array();
  for (const Profile::Work& work : node.work) write_work(json, work);
  json.end_array().key("children").begin_array();
  for (const Profile::Node& child : node.children) write_node(json, child);
  json.end_array().end_object();
}

void write_time_or_null(JsonWriter& json, std::string_view key, TimeUs time, bool given) {
  json.key(key);
  if (given) {
    json.string(format_time(time));
  } else {
    json.null();
  }
}

void write_part(JsonWriter& json, const Profile::Part& part) {
  const bool any = part.occurrences > 0;
  json.begin_object().key("kind").string(part.segment ? "segment" : "head");
  json.key("occurrences").unsigned_integer(part.occurrences);
  write_time_or_null(json, "first", part.first, any);
  write_time_or_null(json, "last", part.last, any);
  json.key("outcome").string(outcome_name(part.outcome));
  json.key("ways").begin_array();
  for (const std::string& way : part.ways) json.string(way);
  json.end_array();
  json.key("estimated").unsigned_integer(part.estimated);
  json.key("matches").unsigned_integer(part.matches);
  json.key("us").integer(part.us).end_object();
}

void write_issues(JsonWriter& json, const Profile::Issues& issues) {
  json.key("issues").begin_object().key("conditions").begin_array();
  for (const std::string& condition : issues.conditions) json.string(condition);
  json.end_array().key("estimated").unsigned_integer(issues.estimated);
  json.key("asked").unsigned_integer(issues.asked);
  json.key("passed").unsigned_integer(issues.passed).end_object();
}

void write_profile(JsonWriter& json, const Profile& profile) {
  json.key("plan");
  write_node(json, profile.conditions);
  write_issues(json, profile.issues);
  const query::TimeRange all;
  json.key("time").begin_object();
  write_time_or_null(json, "from", profile.time.begin, profile.time.begin != all.begin);
  write_time_or_null(json, "until", profile.time.end, profile.time.end != all.end);
  json.end_object().key("parts").begin_array();
  for (const Profile::Part& part : profile.parts) write_part(json, part);
  json.end_array().key("pruned").unsigned_integer(profile.pruned());
  json.key("matches").unsigned_integer(profile.matches());
  json.key("counting").string(profile.counting);
  json.key("rows").unsigned_integer(profile.rows);
  json.key("examined").unsigned_integer(profile.examined);
  json.key("memory_bytes").unsigned_integer(profile.memory_bytes);
  json.key("stages").begin_array();
  for (const Profile::Stage& stage : profile.stages) {
    json.begin_object().key("name").string(stage.name).key("us").integer(stage.us).end_object();
  }
  json.end_array().key("us").integer(profile.total_us());
}

}  // namespace

std::string profile_text(const Profile& profile, const Terminal& terminal) {
  TextTable plan({{.header = "CONDITION", .flexible = true},
                  {.header = "EXPECTED", .right = true},
                  {.header = "FOUND", .right = true},
                  {.header = "TIME", .right = true},
                  {.header = "HOW"}});
  add_node(profile.conditions, 0, terminal, plan);
  std::string out = plan.render(terminal);
  const query::TimeRange all;
  if (!(profile.time == all)) out += range_text(profile.time) + "\n";
  if (!profile.issues.conditions.empty()) out += issues_text(profile.issues, terminal.utf8);
  if (!profile.parts.empty()) out += parts_text(profile);
  out += fmt::format("counted: {}; {} rows, {} occurrences read one by one, {} of memory\n",
                     profile.counting, format_count(profile.rows), format_count(profile.examined),
                     format_bytes(profile.memory_bytes));
  out += "stages:";
  for (const Profile::Stage& stage : profile.stages) {
    out += fmt::format(" {} {},", stage.name, time_text(stage.us));
  }
  return out + fmt::format(" all {}\n", time_text(profile.total_us()));
}

std::string profile_members(const Profile& profile) {
  std::string object = profile_json(profile);
  return object.substr(1, object.size() - 2);
}

std::string profile_json(const Profile& profile) {
  JsonWriter json;
  json.begin_object();
  write_profile(json, profile);
  return json.end_object().take();
}

std::string with_member(std::string object, std::string_view name, std::string_view json) {
  object.pop_back();
  object += ',';
  append_json_string(object, name);
  object += ':';
  object += json;
  return object + "}";
}

}  // namespace cairn::verbs
