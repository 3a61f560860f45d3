// sweep.
#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "verbs/command_answer.h"
#include "verbs/context.h"
#include "verbs/output.h"
#include "verbs/rule_findings.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

constexpr std::chrono::milliseconds kLookAround{100};

// Between finding and writing nobody else writes: the store is open for writing here alone.
Result<query::RuleFindings> find(const SweepArguments& arguments, const engine::Snapshot& snapshot,
                                 Context& context) {
  if (!arguments.undo) {
    return snapshot.evaluate(arguments.rule, arguments.now.value_or(context.clock.now()),
                             {.cancelled = &context.cancelled});
  }
  query::RuleFindings findings;
  CAIRN_TRY_ASSIGN(findings.links, snapshot.undo_of(*arguments.undo));
  const auto count = [&](GroupId, std::span<const GroupId> children) {
    ++findings.views;
    for (const GroupId child : children) {
      findings.occurrences += snapshot.state().totals(child).times_seen;
    }
  };
  findings.links.cuts.for_each_view(count);
  findings.links.merges.for_each_view(count);
  findings.issues = findings.links.children();
  return findings;
}

Result<void> check_limit(const SweepArguments& arguments, const query::RuleFindings& findings) {
  if (arguments.undo || findings.links.children() <= arguments.limit) return {};
  return make_error(ErrorCode::Exhausted,
                    fmt::format("the rule would move {} issues, the limit is {}; nothing was done. "
                                "Narrow the rule, or raise --limit",
                                findings.links.children(), arguments.limit));
}

void print(const SweepArguments& arguments, const engine::ExecuteResult& result,
           const query::RuleFindings& findings, Console& console) {
  if (console.json) {
    JsonWriter json;
    begin_answer(json, result);
    write_findings(json, findings);
    console.out.line(json.end_object().str());
  } else if (result.outcome == engine::Outcome::Stored) {
    const std::string undo = arguments.undo ? ""
                                            : fmt::format("; `sweep {} --undo {}` takes it back",
                                                          arguments.store, raw(result.lsn));
    console.out.line(fmt::format("{} ({}){}", findings_text(findings), lsn_note(result), undo));
  } else if (result.outcome == engine::Outcome::Duplicate) {
    console.out.line(lsn_note(result));
  } else {
    console.out.line(findings_text(findings));
  }
}

Result<void> run_once(const SweepArguments& arguments, Context& context) {
  Console& console = context.console;
  if (arguments.dry_run) {
    CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
    CAIRN_TRY_ASSIGN(const auto findings, find(arguments, *reading.snapshot, context));
    print_trial(reading.snapshot->state(), findings, console);
    return {};
  }
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, arguments.store));
  query::RuleFindings findings;
  {
    CAIRN_TRY_ASSIGN(const auto snapshot, store->snapshot());
    CAIRN_TRY_ASSIGN(findings, find(arguments, *snapshot, context));
  }
  CAIRN_TRY(check_limit(arguments, findings));
  model::RegroupCommand command{model::RegroupCause::Sweep, arguments.rule, findings.links};
  if (arguments.undo) {
    command.cause = model::RegroupCause::Undo;
    command.what = std::to_string(raw(*arguments.undo));
  }
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, options_of(arguments.writer)));
  CAIRN_TRY(store.finish());
  print(arguments, result, findings, console);
  return {};
}

// False: somebody wants it to end.
bool wait_for(int64_t us, const std::atomic<bool>& cancelled) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(us);
  while (!cancelled.load(std::memory_order_relaxed)) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return true;
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, kLookAround));
  }
  return false;
}

}  // namespace

VerbResult run_verb(const SweepArguments& arguments, Context& context) {
  Console& console = context.console;
  context.end_in_order();
  if (arguments.every_us != 0 && !context.stores.has_files()) {
    return make_error(ErrorCode::Unsupported,
                      "--every: a server sweeps once a call, and nobody may keep it busy for good; "
                      "call it again and again from a timer, or sweep the directory");
  }
  if (arguments.every_us == 0) {
    CAIRN_TRY(run_once(arguments, context));
    return ExitCode::Ok;
  }
  do {
    auto done = run_once(arguments, context);
    CAIRN_TRY(console.out.flush());
    if (done.ok()) continue;
    // Another writer has the store, or this time the rule found too much: the next run may fare
    // better. A rule that is none never will.
    const ErrorCode code = done.error().code;
    if (code != ErrorCode::Conflict && code != ErrorCode::Exhausted) return done.error();
    console.note("cairn: " + done.error().message);
  } while (wait_for(arguments.every_us, context.cancelled));
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
