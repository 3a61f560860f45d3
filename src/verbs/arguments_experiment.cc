// The options of experiment and sweep.
#include <fmt/format.h>

#include <map>

#include "verbs/argument_words.h"

namespace cairn::verbs {
namespace {

// Which positional words and options an action takes beside STORE.
struct ExperimentWords {
  ExperimentArguments values;
  std::string action;
  std::vector<std::string> rest;
  std::optional<uint64_t> at;
  std::string now;
};

ExperimentArguments read_experiment(ExperimentWords& words) {
  using Action = ExperimentArguments::Action;
  static const std::map<std::string, Action> kActions = {
      {"new", Action::New},         {"add", Action::Add},         {"list", Action::List},
      {"compare", Action::Compare}, {"promote", Action::Promote}, {"drop", Action::Drop}};
  ExperimentArguments& values = words.values;
  values.action = kActions.at(words.action);
  std::vector<std::string>& rest = words.rest;
  if (values.action == Action::List) {
    if (!rest.empty()) refuse("list: takes no name");
    return values;
  }
  if (rest.empty()) refuse(words.action + ": name the experiment");
  values.name = rest.front();
  rest.erase(rest.begin());
  if (words.at) values.at = Lsn{*words.at};
  if (!words.now.empty()) values.now = read_time("--now", words.now);
  if (values.action == Action::Add) {
    values.rule = join(rest);
    if (values.rule.empty() == values.pairs.empty()) refuse("add: give a rule or --pairs FILE");
    return values;
  }
  if (values.action == Action::Compare && rest.size() == 1) {
    values.other = rest.front();
  } else if (!rest.empty()) {
    refuse(fmt::format("{}: '{}' is too much", words.action, rest.front()));
  }
  return values;
}

}  // namespace

Finish build_experiment(CLI::App& app) {
  auto words = std::make_shared<ExperimentWords>();
  ExperimentArguments& values = words->values;
  add_store(app, values.store);
  app.add_option("ACTION", words->action)
      ->required()
      ->check(CLI::IsMember({"new", "add", "list", "compare", "promote", "drop"}));
  app.add_option("NAME", words->rest);
  app.add_option("--at", words->at, "new: rules see the store as of this record")
      ->transform(count_from(1))
      ->type_name("LSN");
  app.add_option("--pairs", values.pairs, "add: merge these, CHILD,PRIMARY a line")
      ->type_name("FILE");
  app.add_option("--labels", values.labels, "compare: CSV of occurrence id and true group")
      ->type_name("FILE");
  app.add_option("--column", values.label_column, "compare: of the labels (default: group)")
      ->type_name("NAME");
  app.add_option("--limit", values.limit, "compare: changes listed (default 10)")
      ->transform(count_from(0))
      ->type_name("N");
  app.add_flag("--rebase", values.rebase, "promote: even where the base was regrouped since");
  app.add_flag("--dry-run", values.dry_run, "add, promote: tell what would be done");
  app.add_option("--now", words->now, "add: what relative dates are relative to")
      ->type_name("TIME");
  add_writer(app, values.writer);
  return [words]() -> VerbArguments { return read_experiment(*words); };
}

Finish build_sweep(CLI::App& app) {
  struct Words {
    SweepArguments values;
    std::vector<std::string> rule;
    std::optional<uint64_t> undo;
    std::string every;
    std::string now;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("RULE", words->rule);
  app.add_flag("--dry-run", words->values.dry_run, "tell what would be merged, change nothing");
  app.add_option("--limit", words->values.limit, "issues one run may move (default 10000)")
      ->transform(count_from(1))
      ->type_name("N");
  app.add_option("--every", words->every, "run again so long after each run, e.g. 1h")
      ->type_name("TIME");
  app.add_option("--undo", words->undo, "take back what still stands of this sweep")
      ->transform(count_from(1))
      ->type_name("LSN");
  app.add_option("--now", words->now, "what relative dates are relative to")->type_name("TIME");
  add_writer(app, words->values.writer);
  return [words]() -> VerbArguments {
    SweepArguments& values = words->values;
    values.rule = join(words->rule);
    if (words->undo) values.undo = Lsn{*words->undo};
    if (values.rule.empty() != values.undo.has_value()) refuse("give a rule, or --undo LSN");
    if (!words->every.empty()) values.every_us = read_duration("--every", words->every);
    if (values.undo && values.every_us > 0) refuse("--undo is done once, not --every so long");
    if (!words->now.empty()) values.now = read_time("--now", words->now);
    return values;
  };
}

}  // namespace cairn::verbs
