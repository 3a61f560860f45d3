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

namespace {

void add_limits(CLI::App& app, const std::shared_ptr<TokenArguments>& values) {
  const auto add = [&](const std::string& option, const std::string& key, const char* help) {
    app.add_option_function<uint64_t>(
           option,
           [values, option, key](uint64_t number) {
             if (number == 0)
               refuse(option + ": a number above 0; without it, what the server has");
             values->limits[key] = number;
           },
           help)
        ->type_name("N");
  };
  add("--requests-per-second", "requests_per_second", "at most so many (default: as the server)");
  add("--message-bytes", "message_bytes", "of one message or body, at most");
  add("--query-ms", "query_ms", "for one question, at most");
  add("--query-memory-bytes", "query_memory_bytes", "for one question, at most");
  add("--verb-ms", "verb_ms", "for one verb, at most");
  add("--calls", "calls", "under way in one session, at most");
}

}  // namespace

Finish build_token(CLI::App& app) {
  struct Words {
    std::string action = "list";
    std::string life;
  };
  auto words = std::make_shared<Words>();
  auto wish = std::make_shared<TokenArguments>();
  add_store(app, wish->store);
  app.add_option("ACTION", words->action)->check(CLI::IsMember({"create", "list", "revoke"}));
  app.add_option("NAME", wish->name);
  app.add_option("--scope", wish->scopes, "read, triage, ingest or admin; many times")
      ->check(CLI::IsMember({"read", "triage", "ingest", "admin"}))
      ->type_name("SCOPE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--project", wish->projects, "its number; many times (default: all)")
      ->type_name("ID")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--expires", words->life, "after so long, e.g. 90d (default: never)")
      ->type_name("TIME");
  app.add_option("--tokens", wish->file, "default: server.tokens in STORE")->type_name("FILE");
  add_limits(app, wish);
  return [words, wish]() -> VerbArguments {
    using Action = TokenArguments::Action;
    TokenArguments& values = *wish;
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
    if (values.action != Action::Create && !values.limits.empty()) {
      refuse("limits are given when a token is made: revoke it, and create one anew");
    }
    if (!words->life.empty()) values.life_us = read_duration("--expires", words->life);
    return values;
  };
}

}  // namespace cairn::verbs
