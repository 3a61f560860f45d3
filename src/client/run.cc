// The whole program around the verbs: arguments, signals, errors, exit code.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "client/output.h"
#include "client/verbs.h"
#include "query/parser.h"

namespace cairn::client {

std::atomic<bool> interrupt_wanted{false};

namespace {

static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

// The first SIGINT asks a verb to end in order; a second one ends the process as usual.
void on_interrupt(int signal) {
  interrupt_wanted.store(true, std::memory_order_relaxed);
  ::signal(signal, SIG_DFL);
}

void set_signals(const VerbArguments& verb) {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is seen as EPIPE
  ::signal(SIGXFSZ, SIG_IGN);  // a limit of file size is seen as EFBIG
  const bool ends_in_order = std::holds_alternative<ImportArguments>(verb) ||
                             std::holds_alternative<MergePairsArguments>(verb) ||
                             std::holds_alternative<DemoArguments>(verb) ||
                             std::holds_alternative<SweepArguments>(verb);
  if (ends_in_order) end_in_order();
}

// A standard stream that is closed would be given to the next file opened, and what is meant for a
// person would be written into the store.
void occupy_standard_streams() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

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

int give_advice(const Advice& advice, Output& out) {
  if (advice.ok) {
    out.write(advice.text);
    return static_cast<int>(out.flush() ? ExitCode::Ok : ExitCode::Failed);
  }
  write_to_stderr(printable_lines(advice.text, detect_terminal().utf8));
  if (advice.json) {
    const std::string first = advice.text.substr(0, advice.text.find('\n'));
    out.line(error_json(make_error(ErrorCode::InvalidArgument, first)));
  }
  return static_cast<int>(ExitCode::Usage);
}

}  // namespace

void end_in_order() { ::signal(SIGINT, on_interrupt); }

int run(const std::vector<std::string>& words) {
  occupy_standard_streams();
  Output out(STDOUT_FILENO);
  const auto parsed = parse_arguments(words);
  if (const auto* advice = std::get_if<Advice>(&parsed)) return give_advice(*advice, out);
  const auto& invocation = std::get<Invocation>(parsed);
  set_signals(invocation.verb);
  Console console{detect_terminal(), out, invocation.json};
  const auto result = std::visit(
      [&](const auto& arguments) { return run_verb(arguments, console); }, invocation.verb);
  if (!result) print_error(invocation.verb, result.error(), console);
  auto flushed = out.flush();
  if (!flushed) {
    console.note("cairn: " + flushed.error().message);
    return static_cast<int>(ExitCode::Failed);
  }
  if (result) return static_cast<int>(*result);
  const bool cancelled = result.error().code == ErrorCode::Closed && interrupt_wanted.load();
  return static_cast<int>(cancelled ? ExitCode::Interrupted : ExitCode::Failed);
}

}  // namespace cairn::client
