#include "verbs/run.h"

#include <fmt/format.h>

#include "query/parser.h"
#include "verbs/output.h"

namespace cairn::verbs {
namespace {

// The query that a position in an error points into.
const std::string* query_of(const VerbArguments& verb) {
  if (const auto* arguments = std::get_if<QueryArguments>(&verb)) return &arguments->query;
  if (const auto* arguments = std::get_if<ExplainArguments>(&verb)) return &arguments->query.query;
  if (const auto* arguments = std::get_if<ExportArguments>(&verb)) return &arguments->query;
  if (const auto* arguments = std::get_if<ParseArguments>(&verb)) return &arguments->query;
  if (const auto* arguments = std::get_if<EventsArguments>(&verb)) return &arguments->query;
  if (const auto* arguments = std::get_if<TagsArguments>(&verb)) return &arguments->query;
  if (const auto* arguments = std::get_if<SweepArguments>(&verb)) return &arguments->rule;
  if (const auto* arguments = std::get_if<ExperimentArguments>(&verb)) return &arguments->rule;
  return nullptr;
}

void print_error(const VerbArguments& verb, const Error& error, Console& console) {
  if (console.json) {
    console.out.line(error_json(error));
    return;
  }
  const std::string* query = query_of(verb);
  const bool points = error.position && query != nullptr;
  std::string text = points ? query::explain_error(*query, error) : error.message;
  while (text.ends_with('\n')) text.pop_back();
  console.note("cairn: " + text);
}

Result<void> check_place(const Invocation& invocation, const StoreAccess& stores) {
  if (demand_of(invocation.verb).place != Place::Directory || stores.has_files()) return {};
  return make_error(ErrorCode::Unsupported,
                    fmt::format("{} works on the files of a store: run it where the directory is, "
                                "and name that",
                                invocation.name));
}

VerbResult run_checked(const Invocation& invocation, const Call& call, const Runner& runner,
                       Console& console) {
  CAIRN_TRY(check_rights(call.rights, demand_of(invocation.verb).scope, invocation.name));
  CAIRN_TRY(check_place(invocation, call.stores));
  static const std::atomic<bool> never{false};
  SystemClock clock;
  Context context{console,          call.stores,
                  call.files,       clock,
                  call.rights,      call.cancelled == nullptr ? never : *call.cancelled,
                  call.heeds_cancel};
  return runner(invocation.verb, context);
}

bool is_cancelled(const VerbResult& result, const Call& call) {
  // What was written before it was raised is to be seen by `why_cancelled`.
  if (call.cancelled == nullptr || !call.cancelled->load(std::memory_order_acquire)) return false;
  return result ? *result == ExitCode::Interrupted : result.error().code == ErrorCode::Closed;
}

}  // namespace

int run_words(const std::vector<std::string>& words, const Call& call) {
  const auto parsed = parse_arguments(words, call.user);
  if (const auto* advice = std::get_if<Advice>(&parsed)) return give_advice(*advice, call);
  return run_invocation(std::get<Invocation>(parsed), call, run_any);
}

int run_invocation(const Invocation& invocation, const Call& call, const Runner& runner) {
  Output out(call.out);
  Output err(call.err);
  Console console{call.terminal, out, err, invocation.json};
  VerbResult result = run_checked(invocation, call, runner, console);
  const bool cancelled = is_cancelled(result, call);
  const auto why = cancelled && call.why_cancelled ? call.why_cancelled() : std::nullopt;
  if (why) result = *why;
  if (!result) print_error(invocation.verb, result.error(), console);
  auto flushed = out.flush();
  if (!flushed) {
    console.note("cairn: " + flushed.error().message);
    return static_cast<int>(ExitCode::Failed);
  }
  if (result) return static_cast<int>(*result);
  return static_cast<int>(cancelled && !why ? ExitCode::Interrupted : ExitCode::Failed);
}

int give_advice(const Advice& advice, const Call& call) {
  Output out(call.out);
  if (advice.ok) {
    out.write(advice.text);
    return static_cast<int>(out.flush() ? ExitCode::Ok : ExitCode::Failed);
  }
  Output err(call.err);
  err.write(printable_lines(advice.text, call.terminal.utf8));
  (void)err.flush();
  if (advice.json) {
    const std::string first = advice.text.substr(0, advice.text.find('\n'));
    out.line(error_json(make_error(ErrorCode::InvalidArgument, first)));
  }
  return static_cast<int>(ExitCode::Usage);
}

VerbResult run_any(const VerbArguments& verb, Context& context) {
  return std::visit(
      [&](const auto& arguments) -> VerbResult {
        if constexpr (requires { run_verb(arguments, context); }) {
          return run_verb(arguments, context);
        } else {
          return make_error(ErrorCode::Unsupported,
                            "this verb runs where it is typed, not at a store: call the program "
                            "for it");
        }
      },
      verb);
}

}  // namespace cairn::verbs
