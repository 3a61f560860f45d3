// The process: standard streams, signals, and where the verb runs.
#include "client/run.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "client/caller_verbs.h"
#include "client/credentials.h"
#include "client/detect_terminal.h"
#include "client/far.h"
#include "client/remote.h"
#include "rpc/address.h"
#include "verbs/run.h"

namespace cairn::client {
namespace {

std::atomic<bool> interrupt_wanted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "set from a signal handler");

// The first SIGINT asks a verb to end in order; a second one ends the process as usual.
void on_interrupt(int signal) {
  interrupt_wanted.store(true, std::memory_order_relaxed);
  ::signal(signal, SIG_DFL);
}

void set_signals() {
  ::signal(SIGPIPE, SIG_IGN);  // a reader that goes away is seen as EPIPE
  ::signal(SIGXFSZ, SIG_IGN);  // a limit of file size is seen as EFBIG
}

// A standard stream that is closed would be given to the next file opened, and what is meant for a
// person would be written into the store.
void occupy_standard_streams() {
  int fd = ::open("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR);
  if (fd >= 0) ::close(fd);
}

}  // namespace

VerbResult run_any(const verbs::VerbArguments& verb, Context& context) {
  return std::visit(
      [&](const auto& arguments) -> VerbResult {
        if constexpr (requires { client::run_verb(arguments, context); }) {
          return client::run_verb(arguments, context);
        } else {
          return verbs::run_verb(arguments, context);
        }
      },
      verb);
}

int run(const std::vector<std::string>& all_words) {
  occupy_standard_streams();
  set_signals();
  verbs::DirectoryAccess stores;
  verbs::LocalFiles files;
  const verbs::Call call{.stores = stores,
                         .files = files,
                         .out = verbs::descriptor_sink(STDOUT_FILENO),
                         .err = verbs::descriptor_sink(STDERR_FILENO),
                         .terminal = detect_terminal(),
                         .user = current_user(),
                         .cancelled = &interrupt_wanted,
                         .heeds_cancel = [] { ::signal(SIGINT, on_interrupt); }};
  std::vector<std::string> words = all_words;
  const auto credentials = take_credentials(words);
  const auto parsed = verbs::parse_arguments(words, call.user);
  if (const auto* advice = std::get_if<verbs::Advice>(&parsed)) {
    return verbs::give_advice(*advice, call);
  }
  const auto& invocation = std::get<verbs::Invocation>(parsed);
  return verbs::run_invocation(
      invocation, call, [&](const verbs::VerbArguments& verb, Context& context) -> VerbResult {
        if (!rpc::is_address(verbs::store_of(verb))) return client::run_any(verb, context);
        CAIRN_TRY(credentials);
        return run_far(verb, {*credentials, words, call.user}, context);
      });
}

}  // namespace cairn::client
