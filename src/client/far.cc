#include "client/far.h"

#include "client/import.h"
#include "client/remote.h"
#include "client/repl.h"

namespace cairn::client {
namespace {

class RemoteTarget final : public ImportTarget {
 public:
  RemoteTarget(std::unique_ptr<Remote> remote, const verbs::ImportArguments& arguments)
      : remote_(std::move(remote)), sink_(remote_->ingest(arguments.actor, arguments.by_time)) {}
  MessageSink& sink() override { return *sink_; }
  Result<Lsn> lsn() override { return remote_->lsn(); }
  Result<void> finish() override { return {}; }

 private:
  std::unique_ptr<Remote> remote_;
  std::unique_ptr<MessageSink> sink_;  // goes first
};

}  // namespace

VerbResult run_far(const verbs::VerbArguments& verb, const FarCall& call, Context& context) {
  const verbs::Place place = verbs::demand_of(verb).place;
  const auto* import = std::get_if<verbs::ImportArguments>(&verb);
  if (const auto* repl = std::get_if<verbs::ReplArguments>(&verb)) {
    CAIRN_TRY_ASSIGN(const auto backend,
                     open_remote_backend(repl->store, call.credentials, call.user));
    return run_repl(*repl, *backend, context);
  }
  if (place != verbs::Place::Store && import == nullptr) {
    return make_error(ErrorCode::Unsupported,
                      verbs::store_of(verb) +
                          " is a server: this verb works on the files of a store, so run it where "
                          "the directory is, and name that");
  }
  const auto connect = [&] {
    return Remote::connect({verbs::store_of(verb), call.credentials, &context.cancelled,
                            [&](std::string_view text) { context.console.note(text); }});
  };
  if (import == nullptr) {
    CAIRN_TRY_ASSIGN(const auto remote, connect());
    return remote->run(verb, call.words, call.user, context);
  }
  const auto open_target = [&](const verbs::ImportArguments& arguments,
                               Context&) -> Result<std::unique_ptr<ImportTarget>> {
    CAIRN_TRY_ASSIGN(auto remote, connect());
    return std::unique_ptr<ImportTarget>(new RemoteTarget(std::move(remote), arguments));
  };
  return run_import(*import, context, open_target);
}

}  // namespace cairn::client
