// The options of alert.
#include <fmt/format.h>

#include "verbs/argument_words.h"

namespace cairn::verbs {
namespace {

struct AlertWords {
  AlertTestArguments test;
  std::string action;
  std::vector<std::string> rest;
  std::string last, from, to;
  MomentWords moment;
};

VerbArguments read_alert(AlertWords& words) {
  if (words.action == "check") {
    if (words.rest.empty()) refuse("check: name the file with the rules, or - for stdin");
    if (!words.last.empty() || !words.from.empty() || !words.to.empty()) {
      refuse("check: a time is for test, which looks at the history of a store");
    }
    return AlertCheckArguments{words.rest};
  }
  if (words.rest.size() != 2) refuse("test: name the store and the file with the rule");
  AlertTestArguments& test = words.test;
  test.store = words.rest[0];
  test.file = words.rest[1];
  if (!words.last.empty()) test.last_us = read_duration("--last", words.last);
  if (test.last_us == 0) refuse("--last: 0 is no time; use one like 7d");
  if (!words.from.empty()) test.from = read_time("--from", words.from);
  if (!words.to.empty()) test.to = read_time("--to", words.to);
  if (test.from && test.to && *test.from >= *test.to) refuse("--from lies behind --to");
  test.moment = read_moment(words.moment);
  return test;
}

}  // namespace

Finish build_alert(CLI::App& app) {
  auto words = std::make_shared<AlertWords>();
  app.add_option("ACTION", words->action)->required()->check(CLI::IsMember({"check", "test"}));
  app.add_option("WORD", words->rest);
  auto* last = app.add_option("--last", words->last, "test: so long up to now (default 7d)");
  last->type_name("TIME");
  app.add_option("--from", words->from, "test: ticks after this time")
      ->type_name("TIME")
      ->excludes(last);
  app.add_option("--to", words->to, "test: ticks up to this time (default now)")->type_name("TIME");
  app.add_option("--limit", words->test.limit, "test: keys of group_by shown (default 10)")
      ->transform(count_from(1, 1000))
      ->type_name("N");
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  return [words]() -> VerbArguments { return read_alert(*words); };
}

}  // namespace cairn::verbs
