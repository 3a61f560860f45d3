// experiment.
#include <fmt/format.h>

#include <filesystem>

#include "base/time_format.h"
#include "query/meter.h"
#include "verbs/command_answer.h"
#include "verbs/comparison_output.h"
#include "verbs/context.h"
#include "verbs/label_file.h"
#include "verbs/output.h"
#include "verbs/rule_findings.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

constexpr size_t kConflictsListed = 20;

VerbResult answer(const ExperimentArguments& arguments, const engine::ExecuteResult& result,
                  std::string_view what, Console& console) {
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result).key("experiment").string(arguments.name);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    console.out.line(fmt::format("{} {} ({})", arguments.name, what, lsn_note(result)));
  } else {
    console.out.line(lsn_note(result));
  }
  return ExitCode::Ok;
}

VerbResult execute(const ExperimentArguments& arguments, const model::Command& command,
                   std::string_view what, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, options_of(arguments.writer)));
  CAIRN_TRY(store.finish());
  return answer(arguments, result, what, console);
}

VerbResult make(const ExperimentArguments& arguments, Context& context) {
  model::MakeExperimentCommand command{arguments.name, Lsn{}};
  if (arguments.at) {
    // Whether the store has come so far, and still knows of it, is found out before it is promised.
    CAIRN_TRY(context.stores.open_as_of(arguments.store, {arguments.at, std::nullopt}, nullptr));
    command.at = *arguments.at;
  }
  return execute(arguments, command, "is there to be added to", context);
}

// --- add --------------------------------------------------------------------------------------

Result<const model::Experiment*> find_experiment(const engine::Snapshot& snapshot,
                                                 const std::string& name) {
  const model::Experiment* found = snapshot.state().find_experiment(name);
  if (found != nullptr) return found;
  return make_error(ErrorCode::NotFound,
                    fmt::format("no experiment '{}': `experiment STORE list` lists them", name));
}

Result<query::RuleFindings> find_in(const ExperimentArguments& arguments, const query::View& view,
                                    TimeUs now, Context& context) {
  if (!arguments.pairs.empty()) return read_pairs(context.files, arguments.pairs, view.forest());
  CAIRN_TRY_ASSIGN(const query::Rule rule, query::parse_rule(arguments.rule));
  query::Meter meter({.cancelled = &context.cancelled});
  return query::evaluate(query::watched(view, meter), rule, now);
}

// What the rule finds in the experiment, on the store as of the experiment's moment.
Result<query::RuleFindings> find(const ExperimentArguments& arguments, const engine::Store& store,
                                 const engine::Snapshot& snapshot, Context& context) {
  CAIRN_TRY_ASSIGN(const model::Experiment* experiment, find_experiment(snapshot, arguments.name));
  if (experiment->at == Lsn{}) {
    CAIRN_TRY_ASSIGN(const query::View view, snapshot.view_in(arguments.name));
    return find_in(arguments, view, arguments.now.value_or(context.clock.now()), context);
  }
  MomentArguments moment;
  moment.as_of = engine::AsOf{experiment->at, std::nullopt};
  moment.now = arguments.now;
  CAIRN_TRY_ASSIGN(const Reading then, open_reading(context, arguments.store, moment, &store));
  return find_in(arguments, then.snapshot->view_with(*experiment), then.now, context);
}

std::string rule_text(const ExperimentArguments& arguments) {
  if (arguments.pairs.empty()) return arguments.rule;
  return "pairs " + std::filesystem::path(arguments.pairs).filename().string();
}

VerbResult add(const ExperimentArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  context.end_in_order();
  query::RuleFindings findings;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(findings, find(arguments, *store, *snapshot, context));
    if (arguments.dry_run) {
      print_trial(snapshot->state(), findings, console);
      return ExitCode::Ok;
    }
  }
  const model::AddToExperimentCommand command{arguments.name, rule_text(arguments), findings.links};
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, options_of(arguments.writer)));
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result).key("experiment").string(arguments.name);
    write_findings(json, findings);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    console.out.line(
        fmt::format("in {}: {} ({})", arguments.name, findings_text(findings), lsn_note(result)));
  } else {
    console.out.line(lsn_note(result));
  }
  return ExitCode::Ok;
}

// --- list -------------------------------------------------------------------------------------

std::string list_json(const engine::Snapshot& snapshot) {
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(snapshot.lsn()));
  json.key("experiments").begin_array();
  const auto lsn_or_null = [&json](std::string_view key, Lsn lsn) {
    json.key(key);
    if (lsn == Lsn{}) {
      json.null();
    } else {
      json.unsigned_integer(raw(lsn));
    }
  };
  for (const auto& [name, experiment] : snapshot.state().experiments()) {
    json.begin_object().key("name").string(name);
    lsn_or_null("at", experiment.at);
    lsn_or_null("created", experiment.created);
    lsn_or_null("promoted", experiment.promoted);
    json.key("steps").begin_array();
    for (const model::ExperimentStep& step : experiment.steps) {
      json.begin_object().key("rule").string(step.rule);
      json.key("lsn").unsigned_integer(raw(step.added));
      json.key("merged").unsigned_integer(step.facts.merges.children());
      json.key("taken_out").unsigned_integer(step.facts.cuts.children()).end_object();
    }
    json.end_array().end_object();
  }
  return json.end_array().end_object().take();
}

VerbResult list(const ExperimentArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
  if (console.json) {
    console.out.line(list_json(*reading.snapshot));
    return ExitCode::Ok;
  }
  const model::State& state = reading.snapshot->state();
  if (state.experiments().empty()) {
    console.out.line("no experiments");
    return ExitCode::Ok;
  }
  TextTable table({{.header = "EXPERIMENT"},
                   {.header = "LSN", .right = true},
                   {.header = "MERGED", .right = true},
                   {.header = "OUT", .right = true},
                   {.header = "RULE", .flexible = true}});
  for (const auto& [name, experiment] : state.experiments()) {
    std::string note = experiment.at == Lsn{} ? "" : fmt::format("as of {}", raw(experiment.at));
    if (experiment.promoted != Lsn{}) {
      note += fmt::format("{}promoted by record {}", note.empty() ? "" : ", ",
                          raw(experiment.promoted));
    }
    table.add({{name, Style::Bold}, std::to_string(raw(experiment.created)), "", "", note});
    for (const model::ExperimentStep& step : experiment.steps) {
      table.add({"", std::to_string(raw(step.added)), format_count(step.facts.merges.children()),
                 format_count(step.facts.cuts.children()), step.rule});
    }
  }
  console.out.write(table.render(console.terminal));
  return ExitCode::Ok;
}

// --- compare ----------------------------------------------------------------------------------

Result<LabelReport> measure(const engine::Snapshot& snapshot, const query::View& before,
                            const query::View& after, const ExperimentArguments& arguments,
                            Files& files) {
  CAIRN_TRY_ASSIGN(const LabelFile labels,
                   read_labels(files, arguments.labels, arguments.label_column));
  CAIRN_TRY_ASSIGN(const auto fingerprints, snapshot.fingerprints_of(labels.occurrences));
  LabelReport report;
  report.labels = labels.occurrences.size();
  std::vector<uint32_t> in_before, in_after, classes;
  for (size_t i = 0; i < fingerprints.size(); ++i) {
    // Not here, or in no issue: held back, deleted or discarded.
    if (fingerprints[i] == FingerprintId{} ||
        after.root_of_fingerprint[raw(fingerprints[i])] == GroupId{}) {
      ++report.missing;
      continue;
    }
    in_before.push_back(raw(before.root_of_fingerprint[raw(fingerprints[i])]));
    in_after.push_back(raw(after.root_of_fingerprint[raw(fingerprints[i])]));
    classes.push_back(labels.groups[i]);
  }
  report.before = query::measure_partition(in_before, classes);
  report.after = query::measure_partition(in_after, classes);
  return report;
}

VerbResult compare(const ExperimentArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
  const engine::Snapshot& snapshot = *reading.snapshot;
  CAIRN_TRY_ASSIGN(const query::View after, snapshot.view_in(arguments.name));
  CAIRN_TRY_ASSIGN(const query::View before, snapshot.view_in(arguments.other));
  ComparisonReport report{arguments.name, arguments.other,
                          query::compare_groupings(before, after, arguments.limit), std::nullopt};
  if (!arguments.labels.empty()) {
    CAIRN_TRY_ASSIGN(report.labels, measure(snapshot, before, after, arguments, context.files));
  }
  if (console.json) {
    console.out.line(comparison_json(snapshot, report));
  } else {
    print_comparison(snapshot, report, console);
  }
  return ExitCode::Ok;
}

// --- promote ----------------------------------------------------------------------------------

VerbResult try_promotion(const ExperimentArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
  const engine::Snapshot& snapshot = *reading.snapshot;
  CAIRN_TRY_ASSIGN(const query::View view, snapshot.view_in(arguments.name));
  query::RuleFindings findings;
  findings.links = view.overlay->regrouping(snapshot.state());
  findings.links.merges.for_each_view([&](GroupId, std::span<const GroupId>) { ++findings.views; });
  findings.links.cuts.for_each_view([&](GroupId, std::span<const GroupId>) { ++findings.views; });
  const query::View base = snapshot.view();
  findings.occurrences = query::compare_groupings(base, view, 0).moved;
  print_trial(snapshot.state(), findings, console);
  if (!console.json && view.overlay->conflict_count() > 0) {
    console.out.line(fmt::format("{} conflicts with the base:", view.overlay->conflict_count()));
    console.out.write(model::list_conflicts(snapshot.state(), *view.overlay, kConflictsListed));
  }
  return ExitCode::Ok;
}

}  // namespace

VerbResult run_verb(const ExperimentArguments& arguments, Context& context) {
  using Action = ExperimentArguments::Action;
  switch (arguments.action) {
    case Action::New:
      return make(arguments, context);
    case Action::Add:
      return add(arguments, context);
    case Action::List:
      return list(arguments, context);
    case Action::Compare:
      return compare(arguments, context);
    case Action::Promote:
      if (arguments.dry_run) return try_promotion(arguments, context);
      return execute(arguments, model::PromoteCommand{arguments.name, arguments.rebase},
                     "is the grouping in use now", context);
    case Action::Drop:
      break;
  }
  return execute(arguments, model::DropExperimentCommand{arguments.name}, "is dropped", context);
}

}  // namespace cairn::verbs
