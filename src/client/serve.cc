// serve, token.
#include <fmt/format.h>

#include <algorithm>
#include <clocale>

#include "base/json_writer.h"
#include "base/time_format.h"
#include "client/caller_verbs.h"
#include "server/config.h"
#include "server/server.h"
#include "server/token_file.h"
#include "verbs/table.h"

namespace cairn::client {
namespace {

using server::Token;

std::string token_path(const verbs::TokenArguments& arguments) {
  return arguments.file.empty() ? arguments.store + "/server.tokens" : arguments.file;
}

verbs::Rights rights_of(const verbs::TokenArguments& arguments) {
  verbs::Rights rights;
  rights.scopes = 0;
  for (const std::string& name : arguments.scopes) {
    const auto scope = verbs::parse_scope(name);
    if (scope) rights.scopes |= static_cast<uint8_t>(1u << static_cast<uint8_t>(*scope));
  }
  for (const uint64_t project : arguments.projects) rights.projects.push_back(ProjectId{project});
  return rights;
}

server::SessionLimits limits_of(const verbs::TokenArguments& arguments) {
  server::SessionLimits limits;
  for (const server::LimitName& name : server::kLimitNames) {
    const auto found = arguments.limits.find(std::string(name.key));
    if (found != arguments.limits.end()) limits.*name.limit = found->second;
  }
  return limits;
}

VerbResult create_token(const verbs::TokenArguments& arguments, Context& context) {
  const std::string path = token_path(arguments);
  CAIRN_TRY_ASSIGN(std::vector<Token> tokens, server::read_tokens(path));
  const bool taken = std::any_of(tokens.begin(), tokens.end(),
                                 [&](const Token& token) { return token.name == arguments.name; });
  if (taken) {
    return make_error(
        ErrorCode::Conflict,
        fmt::format("there is a token '{}'; revoke it, or take another name", arguments.name));
  }
  if (tokens.size() >= server::kMaxTokens) {
    return make_error(ErrorCode::Exhausted,
                      fmt::format("{} has {} tokens already; revoke some", path, tokens.size()));
  }
  const TimeUs now = context.clock.now();
  TimeUs expires{};
  if (arguments.life_us) expires = TimeUs{raw(now) + *arguments.life_us};
  CAIRN_TRY_ASSIGN(server::MadeToken made,
                   server::make_token(
                       {arguments.name, rights_of(arguments), expires, limits_of(arguments)}, now));
  tokens.push_back(made.token);
  CAIRN_TRY(server::write_tokens(path, tokens));
  if (!context.console.json) {
    context.console.out.line(made.text);
    context.console.note("This is the only time it is shown. Programs take it from CAIRN_TOKEN.");
    return ExitCode::Ok;
  }
  JsonWriter json;
  json.begin_object().key("name").string(arguments.name).key("token").string(made.text);
  context.console.out.line(json.end_object().str());
  return ExitCode::Ok;
}

std::string projects_text(const verbs::Rights& rights) {
  if (rights.projects.empty()) return "all";
  std::string out;
  for (const ProjectId project : rights.projects) {
    out += fmt::format("{}{}", out.empty() ? "" : ",", raw(project));
  }
  return out;
}

// "query_ms=100, calls=2"; "" = those of the server.
std::string limits_text(const Token& token) {
  std::string out;
  for (const server::LimitName& name : server::kLimitNames) {
    const uint64_t limit = token.limits.*name.limit;
    if (limit != 0) out += fmt::format("{}{}={}", out.empty() ? "" : ", ", name.key, limit);
  }
  return out;
}

std::string expiry_text(const Token& token, TimeUs now) {
  if (raw(token.expires) == 0) return "never";
  return format_time(token.expires) + (token.expired(now) ? " (expired)" : "");
}

void write_token(JsonWriter& json, const Token& token) {
  json.begin_object().key("name").string(token.name);
  json.key("scopes").string(server::scopes_text(token.rights));
  json.key("projects").begin_array();
  for (const ProjectId project : token.rights.projects) json.unsigned_integer(raw(project));
  json.end_array().key("created").string(format_time(token.created)).key("expires");
  if (raw(token.expires) == 0) {
    json.null();
  } else {
    json.string(format_time(token.expires));
  }
  json.key("limits").begin_object();
  for (const server::LimitName& name : server::kLimitNames) {
    const uint64_t limit = token.limits.*name.limit;
    if (limit != 0) json.key(name.key).unsigned_integer(limit);
  }
  json.end_object().end_object();
}

VerbResult list_tokens(const verbs::TokenArguments& arguments, Context& context) {
  CAIRN_TRY_ASSIGN(const std::vector<Token> tokens, server::read_tokens(token_path(arguments)));
  if (context.console.json) {
    JsonWriter json;
    json.begin_object().key("tokens").begin_array();
    for (const Token& token : tokens) write_token(json, token);
    context.console.out.line(json.end_array().end_object().str());
    return ExitCode::Ok;
  }
  if (tokens.empty()) {
    context.console.out.line("no tokens");
    return ExitCode::Ok;
  }
  verbs::TextTable table({{.header = "NAME"},
                          {.header = "SCOPES"},
                          {.header = "PROJECTS"},
                          {.header = "CREATED"},
                          {.header = "EXPIRES"},
                          {.header = "LIMITS", .drop_order = 1}});
  for (const Token& token : tokens) {
    std::vector<verbs::TableCell> cells;
    cells.emplace_back(token.name);
    cells.emplace_back(server::scopes_text(token.rights));
    cells.emplace_back(projects_text(token.rights));
    cells.emplace_back(format_time(token.created));
    cells.emplace_back(expiry_text(token, context.clock.now()));
    cells.emplace_back(limits_text(token));
    table.add(std::move(cells));
  }
  context.console.out.write(table.render(context.console.terminal));
  return ExitCode::Ok;
}

VerbResult revoke_token(const verbs::TokenArguments& arguments, Context& context) {
  const std::string path = token_path(arguments);
  CAIRN_TRY_ASSIGN(std::vector<Token> tokens, server::read_tokens(path));
  const size_t gone =
      std::erase_if(tokens, [&](const Token& token) { return token.name == arguments.name; });
  if (gone == 0) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("no token '{}'; `cairn token list` shows them", arguments.name));
  }
  CAIRN_TRY(server::write_tokens(path, tokens));
  context.console.out.line(
      context.console.json
          ? JsonWriter().begin_object().key("revoked").string(arguments.name).end_object().str()
          : "revoked; a running server ends its sessions within a second");
  return ExitCode::Ok;
}

}  // namespace

VerbResult run_verb(const verbs::ServeArguments& arguments, Context&) {
  // What verbs write for terminals is measured in characters, whatever this process was started
  // with.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  server::Config config;
  config.store = arguments.store;
  config.must_exist = arguments.must_exist;
  config.tokens = arguments.tokens;
  config.certificate = arguments.certificate;
  config.key = arguments.key;
  config.force_insecure = arguments.force_insecure;
  for (const bool http : {false, true}) {
    for (const std::string& text : http ? arguments.http : arguments.listen) {
      CAIRN_TRY_ASSIGN(rpc::Address address, rpc::parse_address(text));
      (http ? config.http : config.listen).push_back(std::move(address));
    }
  }
  if (!arguments.config.empty()) CAIRN_TRY(server::read_config(arguments.config, config));
  CAIRN_TRY(server::serve(config));
  return ExitCode::Ok;
}

VerbResult run_verb(const verbs::TokenArguments& arguments, Context& context) {
  switch (arguments.action) {
    case verbs::TokenArguments::Action::Create:
      return create_token(arguments, context);
    case verbs::TokenArguments::Action::List:
      return list_tokens(arguments, context);
    case verbs::TokenArguments::Action::Revoke:
      break;
  }
  return revoke_token(arguments, context);
}

}  // namespace cairn::client
