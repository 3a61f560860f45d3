// A server as the REPL's backend: one connection for all commands, made anew when it broke.
#include <fmt/format.h>

#include "client/caller_verbs.h"
#include "client/far.h"
#include "client/remote.h"
#include "client/repl.h"
#include "client/repl_backend.h"
#include "rpc/address.h"
#include "verbs/run.h"

namespace cairn::client {
namespace {

class RemoteBackend final : public ReplBackend {
 public:
  RemoteBackend(std::string address, Credentials credentials, std::string user)
      : address_(std::move(address)),
        credentials_(std::move(credentials)),
        user_(std::move(user)) {}

  Result<void> connect() {
    if (remote_) return {};
    const auto note = [this](std::string_view text) {
      if (err_ != nullptr) (void)(*err_)(fmt::format("{}\n", text));
    };
    CAIRN_TRY_ASSIGN(remote_, Remote::connect({address_, credentials_, &repl_interrupted(), note}));
    return {};
  }

  int run(const std::vector<std::string>& words, const ReplIo& io) override {
    verbs::DirectoryAccess stores;
    const verbs::Call call{.stores = stores,
                           .files = files_,
                           .out = io.out,
                           .err = io.err,
                           .terminal = io.terminal,
                           .user = user_,
                           .cancelled = &io.cancelled};
    const auto parsed = verbs::parse_arguments(words, user_);
    if (const auto* advice = std::get_if<verbs::Advice>(&parsed)) {
      return verbs::give_advice(*advice, call);
    }
    err_ = &io.err;
    const int done = verbs::run_invocation(
        std::get<verbs::Invocation>(parsed), call,
        [&](const verbs::VerbArguments& verb, Context& context) -> VerbResult {
          return run_somewhere(verb, words, context);
        });
    err_ = nullptr;
    return done;
  }

 private:
  VerbResult run_somewhere(const verbs::VerbArguments& verb, const std::vector<std::string>& words,
                           Context& context) {
    const bool far = rpc::is_address(verbs::store_of(verb));
    if (!far) return client::run_any(verb, context);
    const bool here =
        verbs::store_of(verb) == address_ && verbs::demand_of(verb).place == verbs::Place::Store;
    if (!here) {
      // There is one connection in a thread at a time.
      remote_.reset();
      return run_far(verb, {credentials_, words, user_}, context);
    }
    CAIRN_TRY(connect());
    VerbResult done = remote_->run(verb, words, user_, context);
    // Whatever ended it, the next command begins with a connection that is known to work.
    const bool broke =
        !done && (done.error().code == ErrorCode::Io || done.error().code == ErrorCode::Closed);
    if (broke) remote_.reset();
    return done;
  }

  const std::string address_;
  const Credentials credentials_;
  const std::string user_;
  verbs::LocalFiles files_;
  std::unique_ptr<Remote> remote_;
  const verbs::Sink* err_ = nullptr;  // of the command that runs
};

}  // namespace

Result<std::unique_ptr<ReplBackend>> open_remote_backend(const std::string& address,
                                                         const Credentials& credentials,
                                                         std::string user) {
  auto backend = std::make_unique<RemoteBackend>(address, credentials, std::move(user));
  CAIRN_TRY(backend->connect());
  return std::unique_ptr<ReplBackend>(std::move(backend));
}

}  // namespace cairn::client
