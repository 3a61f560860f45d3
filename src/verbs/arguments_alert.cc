// The options of alert.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "verbs/argument_words.h"

namespace cairn::verbs {
namespace {

using Action = AlertArguments::Action;

constexpr uint64_t kMostShown = 10'000;

struct ActionWord {
  std::string_view word;
  Action action;
};
constexpr std::array kActions = {
    ActionWord{"add", Action::Add},           ActionWord{"list", Action::List},
    ActionWord{"show", Action::Show},         ActionWord{"change", Action::Change},
    ActionWord{"pause", Action::Pause},       ActionWord{"resume", Action::Resume},
    ActionWord{"remove", Action::Remove},     ActionWord{"incidents", Action::Incidents},
    ActionWord{"incident", Action::Incident}, ActionWord{"ack", Action::Acknowledge},
    ActionWord{"comment", Action::Comment},   ActionWord{"close", Action::Close},
    ActionWord{"tick", Action::Tick},         ActionWord{"explain", Action::Explain},
    ActionWord{"stats", Action::Stats}};

// Which of them take an option; "" = none but test.
struct OptionUse {
  std::string_view option;
  std::string_view actions;
};
constexpr std::array kOptionUses = {
    OptionUse{"--last", "test"},
    OptionUse{"--from", "test"},
    OptionUse{"--to", "test"},
    OptionUse{"--in", "test"},
    OptionUse{"--limit", "test list incidents show explain"},
    OptionUse{"--rule", "incidents"},
    OptionUse{"--open", "list incidents"},
    OptionUse{"--after", "list"},
    OptionUse{"--before", "incidents"},
    OptionUse{"--at", "explain"},
    OptionUse{"--of", "explain"},
    OptionUse{"--issue", "explain"},
    OptionUse{"--as-of", "test list show incidents incident"},
    OptionUse{"--at-least", "test list show incidents incident explain"},
    OptionUse{"--now",
              "test list show incidents incident add change pause resume remove ack "
              "comment close tick"},
    OptionUse{"--key", "add change pause resume remove ack comment close"},
    OptionUse{"--actor", "add change pause resume remove ack comment close"}};

bool takes(std::string_view actions, std::string_view action) {
  while (!actions.empty()) {
    const std::string_view word = actions.substr(0, actions.find(' '));
    if (word == action) return true;
    actions.remove_prefix(std::min(actions.size(), word.size() + 1));
  }
  return false;
}

struct AlertWords {
  CLI::App* app = nullptr;
  AlertArguments values;
  std::string store;  // or check, or test
  std::vector<std::string> rest;
  std::string last, from, to, at;
  std::optional<uint64_t> limit;
  MomentWords moment;
};

void check_options(const AlertWords& words, const std::string& action) {
  for (const OptionUse& use : kOptionUses) {
    const CLI::Option* option = words.app->get_option(std::string(use.option));
    if (option->count() > 0 && !takes(use.actions, action)) {
      refuse(fmt::format("{}: {} is not for this, but for {}", action, use.option, use.actions));
    }
  }
}

AlertTestArguments read_test(AlertWords& words) {
  if (words.rest.size() != 1) {
    refuse("test: name the store, and the file with the rule or a stored rule");
  }
  AlertTestArguments test;
  test.store = words.store;
  test.rule = words.rest.front();
  if (!words.last.empty()) test.last_us = read_duration("--last", words.last);
  if (test.last_us == 0) refuse("--last: 0 is no time; use one like 7d");
  if (!words.from.empty()) test.from = read_time("--from", words.from);
  if (!words.to.empty()) test.to = read_time("--to", words.to);
  if (test.from && test.to && *test.from >= *test.to) refuse("--from must lie before --to");
  if (words.limit) test.limit = *words.limit;
  test.moment = read_moment(words.moment);
  return test;
}

uint32_t incident_number(const std::string& action, const std::string& word) {
  const auto number = whole_number(word);
  if (!number || *number == 0 || *number > UINT32_MAX) {
    refuse(fmt::format("{}: '{}' is no incident; `alert STORE incidents` has their numbers", action,
                       word));
  }
  return static_cast<uint32_t>(*number);
}

// The words behind STORE and ACTION.
void read_rest(AlertArguments& values, const std::string& action,
               const std::vector<std::string>& rest) {
  const auto takes_exactly = [&](size_t count, std::string_view what) {
    if (rest.size() != count) refuse(fmt::format("{}: {}", action, what));
  };
  switch (values.action) {
    case Action::Add:
      if (rest.empty()) refuse("add: name the file with the rules, or - for stdin");
      values.files = rest;
      return;
    case Action::Change:
      takes_exactly(2, "name the rule, and the file with what it is to be");
      values.rule = rest[0];
      values.files = {rest[1]};
      return;
    case Action::Show:
    case Action::Pause:
    case Action::Resume:
    case Action::Remove:
    case Action::Explain:
      takes_exactly(1, "name one rule, by its number or its name");
      values.rule = rest[0];
      return;
    case Action::Incident:
    case Action::Acknowledge:
    case Action::Close:
      takes_exactly(1, "name one incident, by its number");
      values.incident = incident_number(action, rest[0]);
      return;
    case Action::Comment:
      if (rest.size() < 2) refuse("comment: name the incident, then the text");
      values.incident = incident_number(action, rest[0]);
      values.text = join({rest.begin() + 1, rest.end()});
      return;
    case Action::List:
    case Action::Incidents:
    case Action::Tick:
    case Action::Stats:
      break;
  }
  takes_exactly(0, "takes nothing but options");
}

VerbArguments read_alert(AlertWords& words) {
  if (words.store == "check") {
    check_options(words, "check");
    if (words.rest.empty()) refuse("check: name the file with the rules, or - for stdin");
    return AlertCheckArguments{words.rest};
  }
  std::string action = words.store == "test" ? words.store : "";
  std::string& from = words.store == "test" ? words.store : action;
  if (words.rest.empty()) {
    refuse(action.empty() ? "say what to do with the store: list, add, show ..."
                          : "test: name the store, and the file with the rule or a stored rule");
  }
  from = words.rest.front();
  words.rest.erase(words.rest.begin());
  check_options(words, action);
  if (action == "test") return read_test(words);
  const auto* found = std::find_if(kActions.begin(), kActions.end(),
                                   [&](const ActionWord& one) { return one.word == action; });
  if (found == kActions.end()) {
    std::vector<std::string_view> known;
    for (const ActionWord& one : kActions) known.push_back(one.word);
    refuse(fmt::format("'{}' is nothing to do with a store; there are {} and test", action,
                       fmt::join(known, ", ")));
  }
  AlertArguments& values = words.values;
  values.action = found->action;
  values.store = words.store;
  read_rest(values, action, words.rest);
  values.limit = words.limit.value_or(0);
  if (!words.at.empty()) values.at = read_time("--at", words.at);
  values.moment = read_moment(words.moment);
  return values;
}

}  // namespace

bool is_rule_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

bool writes(AlertArguments::Action action) {
  switch (action) {
    case Action::List:
    case Action::Show:
    case Action::Incidents:
    case Action::Incident:
    case Action::Explain:
    case Action::Stats:
      return false;
    default:
      return true;
  }
}

Finish build_alert(CLI::App& app) {
  auto words = std::make_shared<AlertWords>();
  words->app = &app;
  AlertArguments& values = words->values;
  app.add_option("STORE", words->store)->required();
  app.add_option("WORD", words->rest);
  app.add_flag("--open", values.open, "list, incidents: only what is open");
  app.add_option("--rule", values.rule, "incidents: of this rule")
      ->check(not_empty())
      ->type_name("RULE");
  app.add_option("--after", values.after, "list: rules behind this number")
      ->transform(count_from(0, UINT32_MAX))
      ->type_name("N");
  app.add_option("--before", values.before, "incidents: those before this number")
      ->transform(count_from(1, UINT32_MAX))
      ->type_name("N");
  app.add_option("--at", words->at, "explain: the tick at or before this time (default: the last)")
      ->type_name("TIME");
  app.add_option("--of", values.key, "explain: this value of group_by (default: the worst)")
      ->type_name("VALUE");
  app.add_option("--issue", values.issue, "explain: why not this issue")->type_name("ISSUE");
  auto* last = app.add_option("--last", words->last, "test: so long up to now (default 7d)");
  last->type_name("TIME");
  app.add_option("--from", words->from, "test: ticks after this time")
      ->type_name("TIME")
      ->excludes(last);
  app.add_option("--to", words->to, "test: ticks up to this time (default now)")->type_name("TIME");
  app.add_option("--limit", words->limit,
                 "rules, incidents, or values of group_by shown (default 100; of these 10)")
      ->transform(count_from(1, kMostShown))
      ->type_name("N");
  add_moment(app, words->moment);
  add_experiment(app, words->moment);
  add_writer(app, values.writer);
  return [words]() -> VerbArguments { return read_alert(*words); };
}

}  // namespace cairn::verbs
