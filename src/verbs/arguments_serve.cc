// The command lines of serving: serve, token.
#include "verbs/argument_words.h"

namespace cairn::verbs {

Finish build_serve(CLI::App& app) {
  auto values = std::make_shared<ServeArguments>();
  add_store(app, values->store);
  const auto many = CLI::MultiOptionPolicy::TakeAll;
  app.add_option("--listen", values->listen,
                 "unix:PATH, tcp:HOST:PORT, tls:HOST:PORT or systemd[:NAME]; many times")
      ->type_name("ADDR")
      ->expected(1)
      ->multi_option_policy(many);
  app.add_option("--http", values->http, "the same for HTTP: health, metrics, JSON; many times")
      ->type_name("ADDR")
      ->expected(1)
      ->multi_option_policy(many);
  app.add_option("--config", values->config, "a file (TOML) for these and other settings")
      ->type_name("FILE");
  app.add_option("--tokens", values->tokens, "default: server.tokens in STORE")->type_name("FILE");
  app.add_option("--tls-cert", values->certificate, "certificates, PEM")->type_name("FILE");
  app.add_option("--tls-key", values->key, "the first one's key, PEM")->type_name("FILE");
  app.add_flag("--force-insecure", values->force_insecure,
               "a public address without TLS, or without tokens");
  app.add_flag("--must-exist", values->must_exist, "do not make the store");
  return [values] { return *values; };
}

Finish build_token(CLI::App& app) {
  struct Words {
    TokenArguments values;
    std::string action = "list";
    std::string life;
  };
  auto words = std::make_shared<Words>();
  add_store(app, words->values.store);
  app.add_option("ACTION", words->action)->check(CLI::IsMember({"create", "list", "revoke"}));
  app.add_option("NAME", words->values.name);
  app.add_option("--scope", words->values.scopes, "read, triage, ingest or admin; many times")
      ->check(CLI::IsMember({"read", "triage", "ingest", "admin"}))
      ->type_name("SCOPE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--project", words->values.projects, "its number; many times (default: all)")
      ->type_name("ID")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--expires", words->life, "after so long, e.g. 90d (default: never)")
      ->type_name("TIME");
  app.add_option("--tokens", words->values.file, "default: server.tokens in STORE")
      ->type_name("FILE");
  return [words]() -> VerbArguments {
    using Action = TokenArguments::Action;
    TokenArguments& values = words->values;
    if (words->action == "create") values.action = Action::Create;
    if (words->action == "revoke") values.action = Action::Revoke;
    if (values.action != Action::List && values.name.empty()) {
      refuse(words->action + " needs the NAME of a token");
    }
    if (values.action == Action::Create && values.scopes.empty()) {
      throw CLI::RequiredError("--scope");
    }
    for (const uint64_t project : values.projects) {
      if (project == 0 || project > INT64_MAX) refuse("--project: give the number of a project");
    }
    if (!words->life.empty()) values.life_us = read_duration("--expires", words->life);
    return values;
  };
}

}  // namespace cairn::verbs
