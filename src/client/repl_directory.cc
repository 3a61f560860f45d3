// A directory as the REPL's backend: verbs run in this process.
#include "client/caller_verbs.h"
#include "client/kept_access.h"
#include "client/repl_backend.h"
#include "verbs/run.h"

namespace cairn::client {
namespace {

class DirectoryBackend final : public ReplBackend {
 public:
  DirectoryBackend(std::string directory, std::string user)
      : stores_(std::move(directory)), user_(std::move(user)) {}

  KeptAccess& stores() { return stores_; }

  int run(const std::vector<std::string>& words, const ReplIo& io) override {
    const verbs::Call call{.stores = stores_,
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
    const auto& invocation = std::get<verbs::Invocation>(parsed);
    const verbs::Place place = verbs::demand_of(invocation.verb).place;
    if (place != verbs::Place::Store) stores_.let_go();
    return verbs::run_invocation(invocation, call, run_any);
  }

 private:
  KeptAccess stores_;
  verbs::LocalFiles files_;
  const std::string user_;
};

}  // namespace

Result<std::unique_ptr<ReplBackend>> open_directory_backend(const std::string& directory,
                                                            std::string user) {
  auto backend = std::make_unique<DirectoryBackend>(directory, std::move(user));
  CAIRN_TRY(backend->stores().open(directory));
  return std::unique_ptr<ReplBackend>(std::move(backend));
}

}  // namespace cairn::client
