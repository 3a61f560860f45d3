// The command lines of the registries: projects, group types, releases.
#include <fmt/format.h>

#include <map>

#include "verbs/argument_words.h"

namespace cairn::verbs {
namespace {

uint64_t read_id(const std::string& what, const std::string& text) {
  const auto id = whole_number(text);
  if (!id) refuse(fmt::format("{}: '{}' is no id; give a whole number", what, text));
  return *id;
}

// A number, or off, which is 0.
uint32_t read_limit(const std::string& option, const std::string& text) {
  if (text == "off") return 0;
  const auto number = whole_number(text);
  if (!number || *number > UINT32_MAX) {
    refuse(fmt::format("{}: '{}' is no number; write one, or off", option, text));
  }
  return static_cast<uint32_t>(*number);
}

uint32_t read_hours(const std::string& text) {
  constexpr int64_t kHourUs = 3600 * kMicrosPerSecond;
  if (text == "off") return 0;
  const int64_t us = read_duration("--auto-resolve", text);
  if (us < kHourUs || us % kHourUs != 0 || us / kHourUs > UINT32_MAX) {
    refuse(fmt::format("--auto-resolve: {} is no whole number of hours", text));
  }
  return static_cast<uint32_t>(us / kHourUs);
}

}  // namespace

Finish build_projects(CLI::App& app) {
  struct Words {
    ProjectsArguments values;
    std::string action = "list";
    std::string id;
    std::string policy;
    std::string auto_resolve;
    std::string escalation;
    std::string hold_back;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ACTION", words->action)->check(CLI::IsMember({"list", "set"}));
  app.add_option("ID", words->id);
  app.add_option("--slug", words->values.slug, "the first part of its short ids")->type_name("S");
  app.add_option("--policy", words->policy, "which fingerprint decides: first or known")
      ->check(CLI::IsMember({"first", "known"}))
      ->type_name("POLICY");
  app.add_option("--auto-resolve", words->auto_resolve,
                 "resolve what was not seen for so long, in hours (72h, 14d), or off")
      ->type_name("TIME");
  app.add_option("--escalation", words->escalation,
                 "occurrences an hour that make a new issue escalate, or off")
      ->type_name("N");
  app.add_option("--hold-back", words->hold_back, "noise limits and quotas of types: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    words->values.set = words->action == "set";
    if (!words->values.set) return words->values;
    words->values.project = ProjectId{read_id("set", words->id)};
    if (words->policy == "first") words->values.policy = model::FingerprintPolicy::First;
    if (words->policy == "known") words->values.policy = model::FingerprintPolicy::Known;
    ProjectsArguments& values = words->values;
    if (!words->auto_resolve.empty()) values.auto_resolve_hours = read_hours(words->auto_resolve);
    if (!words->escalation.empty()) {
      values.escalation_threshold = read_limit("--escalation", words->escalation);
    }
    if (!words->hold_back.empty()) values.hold_back = words->hold_back == "on";
    if (!values.slug && !values.policy && !values.auto_resolve_hours &&
        !values.escalation_threshold && !values.hold_back) {
      refuse("set: give --slug, --policy, --auto-resolve, --escalation or --hold-back");
    }
    return values;
  };
}

Finish build_types(CLI::App& app) {
  struct Words {
    TypesArguments values;
    std::string action = "list";
    std::string value;
    std::string priority;
    std::string noise_limit;
    std::string quota;
    std::string auto_resolve;
    std::string escalation;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ACTION", words->action)->check(CLI::IsMember({"list", "strict", "set"}));
  app.add_option("VALUE", words->value);
  app.add_option("--slug", words->values.slug, "its name in queries")->type_name("S");
  app.add_option("--category", words->values.category, "number of its category")
      ->transform(count_from(0, UINT16_MAX))
      ->type_name("N");
  app.add_option("--priority", words->priority, "of new issues: low, medium or high")
      ->check(CLI::IsMember({"low", "medium", "high"}))
      ->type_name("P");
  app.add_option("--noise-limit", words->noise_limit,
                 "occurrences before there is an issue, or off (projects --hold-back)")
      ->type_name("N");
  app.add_option("--quota", words->quota, "new issues an hour in a project (--hold-back too)")
      ->type_name("N");
  app.add_option("--auto-resolve", words->auto_resolve, "may be resolved by age: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  app.add_option("--escalation", words->escalation, "may escalate: on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->type_name("on|off");
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    TypesArguments& values = words->values;
    if (words->action == "strict") {
      values.action = TypesArguments::Action::Strict;
      if (words->value != "on" && words->value != "off") refuse("strict: say on or off");
      values.strict = words->value == "on";
    } else if (words->action == "set") {
      values.action = TypesArguments::Action::Set;
      const uint64_t id = read_id("set", words->value);
      if (id > UINT32_MAX) refuse(fmt::format("set: type {} is above {}", id, UINT32_MAX));
      values.type = static_cast<uint32_t>(id);
      const std::map<std::string, uint8_t> priorities = {{"low", 25}, {"medium", 50}, {"high", 75}};
      if (!words->priority.empty()) values.priority = priorities.at(words->priority);
      if (!words->noise_limit.empty()) {
        values.noise_limit = read_limit("--noise-limit", words->noise_limit);
      }
      if (!words->quota.empty()) values.quota_per_hour = read_limit("--quota", words->quota);
      if (!words->auto_resolve.empty()) values.auto_resolve = words->auto_resolve == "on";
      if (!words->escalation.empty()) values.escalation = words->escalation == "on";
    }
    return values;
  };
}

Finish build_releases(CLI::App& app) {
  struct Words {
    ReleasesArguments values;
    std::string action = "list";
    std::string date;
  };
  auto words = std::make_shared<Words>();
  ReleasesArguments& bound = words->values;
  add_store(app, bound.store);
  app.add_option("ACTION", words->action)->check(CLI::IsMember({"list", "set"}));
  app.add_option("PROJECT", bound.project);
  app.add_option("VERSION", bound.version);
  app.add_option("--date", words->date, "when it came out (else: when it was first heard of)")
      ->type_name("TIME");
  app.add_option("--commit", bound.commits, "one that it has; may be repeated")->type_name("SHA");
  app.add_option("--limit", bound.limit, "the newest N of each project (default 100)")
      ->transform(count_from(1))
      ->type_name("N");
  add_writer(app, bound.writer);
  return [words]() -> VerbArguments {
    ReleasesArguments& values = words->values;
    values.set = words->action == "set";
    if (!words->date.empty()) values.date = read_time("--date", words->date);
    if (values.set && values.version.empty()) refuse("set: name PROJECT and VERSION");
    if (!values.set && !values.version.empty()) refuse("list takes PROJECT alone");
    return values;
  };
}

}  // namespace cairn::verbs
