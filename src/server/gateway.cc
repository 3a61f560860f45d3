#include "server/gateway.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json_writer.h"
#include "server/convert.h"
#include "server/gateway_words.h"
#include "server/run_call.h"
#include "verbs/output.h"

namespace cairn::server {
namespace {

constexpr size_t kMostAnswer = 64u << 20;  // bytes of one answer
constexpr std::string_view kVerbs = "/v1/verbs/";
constexpr std::string_view kVerbPath = "/v1/verbs/{verb}";
constexpr std::string_view kRules = "/v1/alerts/rules/";
constexpr std::string_view kNewRules = "/v1/alerts/rules";
constexpr std::string_view kTestRule = "/v1/alerts/test";
constexpr std::string_view kRulePath = "/v1/alerts/rules/{rule}";

struct GatewayRoute {
  std::string_view method;
  std::string_view path;  // {name} stands for one piece
};
// All there are; docs/openapi.json has the same.
constexpr std::array kRoutes = {
    GatewayRoute{"GET", "/healthz"},    GatewayRoute{"GET", "/readyz"},
    GatewayRoute{"GET", "/metrics"},    GatewayRoute{"POST", "/v1/query"},
    GatewayRoute{"POST", "/v1/ingest"}, GatewayRoute{"POST", kVerbPath},
    GatewayRoute{"POST", kNewRules},    GatewayRoute{"POST", kRulePath},
    GatewayRoute{"POST", kTestRule},
};

std::string refusal_json(const Refusal& refusal) {
  JsonWriter json;
  json.begin_object().key("error").begin_object();
  json.key("code").string(error_code_name(refusal.error.code));
  json.key("message").string(refusal.error.message);
  if (refusal.error.position) json.key("position").unsigned_integer(*refusal.error.position);
  return json.end_object().end_object().take() + "\n";
}

std::string acknowledgement_json(const IngestAnswer& answer) {
  std::array<uint64_t, 5> counts{};
  for (const char outcome : answer.outcomes) ++counts[static_cast<size_t>(outcome) % counts.size()];
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(answer.lsn));
  json.key("lines").unsigned_integer(answer.outcomes.size());
  constexpr std::array<std::string_view, 5> kNames = {"stored", "duplicates", "no_change",
                                                      "references", "refused"};
  for (size_t i = 0; i < kNames.size(); ++i) json.key(kNames[i]).unsigned_integer(counts[i]);
  json.key("refusals").begin_array();
  for (const auto& refused : answer.refused) {
    json.begin_object().key("index").unsigned_integer(refused.index);
    json.key("code").string(error_code_name(refused.error.code));
    json.key("message").string(refused.error.message).end_object();
  }
  return json.end_array().end_object().take() + "\n";
}

Refusal no_such_path() {
  std::string paths;
  for (const GatewayRoute& route : kRoutes) {
    paths += fmt::format("{}{} {}", paths.empty() ? "" : ", ", route.method, route.path);
  }
  return make_error(ErrorCode::NotFound, "there is no such path; there are " + paths);
}

std::string_view status_text(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 413:
      return "Payload Too Large";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

struct Gateway::Answer {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  uint32_t retry_after_ms = 0;
};

struct Gateway::Request {
  std::string method;
  std::string path;
  std::string query;
  std::string token;
  std::shared_ptr<Caller> caller;  // of routes that want one
};

Gateway::Gateway(Host& host, Way way) : host_(host), way_(way) {
  kj::HttpHeaderTable::Builder builder;
  authorization_ = builder.add("Authorization");
  origin_ = builder.add("Origin");
  table_ = builder.build();
}

kj::Promise<void> Gateway::send(kj::HttpService::Response& response, Answer answer) {
  kj::HttpHeaders headers(*table_);
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, answer.type.c_str());
  if (answer.retry_after_ms > 0) {
    headers.add("Retry-After", kj::str((answer.retry_after_ms + 999) / 1000));
  }
  auto body = kj::heap<std::string>(std::move(answer.body));
  const std::string text(status_text(answer.status));
  auto out =
      response.send(static_cast<kj::uint>(answer.status), text.c_str(), headers, body->size());
  auto writing = out->write(body->data(), body->size());
  return host_.timer.timeoutAfter(host_.config.stalled_ms * kj::MILLISECONDS, kj::mv(writing))
      .attach(kj::mv(out), kj::mv(body));
}

kj::Promise<void> Gateway::send(kj::HttpService::Response& response, const Refusal& refusal) {
  return send(response, {http_status(refusal), refusal_json(refusal), "application/json",
                         refusal.retry_after_ms});
}

std::shared_ptr<Caller> Gateway::caller_of(const Grant& grant) {
  auto& caller = callers_[grant.name];
  const bool same = caller != nullptr && caller->grant() == grant;
  if (!same) caller = std::make_shared<Caller>(host_, grant);
  return caller;
}

kj::Promise<void> Gateway::request(kj::HttpMethod method, kj::StringPtr url,
                                   const kj::HttpHeaders& headers, kj::AsyncInputStream& body,
                                   kj::HttpService::Response& response) {
  Request request;
  request.method = kj::str(method).cStr();
  request.path = url.cStr();
  if (const size_t mark = request.path.find('?'); mark != std::string::npos) {
    request.query = request.path.substr(mark + 1);
    request.path.resize(mark);
  }
  // A page of some other site in somebody's browser must not get at a server on this machine.
  KJ_IF_MAYBE (origin, headers.get(origin_)) {
    (void)origin;
    return send(response, counted(host_, Refusal::deny("requests of web pages are not answered")));
  }
  KJ_IF_MAYBE (authorization, headers.get(authorization_)) {
    constexpr std::string_view kBearer = "Bearer ";
    const std::string_view text(authorization->cStr(), authorization->size());
    if (text.starts_with(kBearer)) request.token = text.substr(kBearer.size());
  }
  const bool health = request.path == "/healthz" || request.path == "/readyz";
  if (!health) {
    auto admitted = host_.gate.admit(request.token, way_);
    if (auto* refusal = std::get_if<Refusal>(&admitted)) {
      return send(response, {401, refusal_json(counted(host_, *refusal))});
    }
    request.caller = caller_of(std::get<Grant>(admitted));
  }
  const uint64_t limit = health ? 0 : request.caller->limits().message_bytes;
  KJ_IF_MAYBE (length, body.tryGetLength()) {
    if (*length > limit)
      return send(
          response,
          {413, refusal_json(make_error(ErrorCode::Exhausted,
                                        fmt::format("the body has more than {} bytes", limit)))});
  }
  auto whole = body.readAllBytes(limit + 1);
  return host_.timer.timeoutAfter(host_.config.stalled_ms * kj::MILLISECONDS, kj::mv(whole))
      .then([this, &response, request = std::move(request)](kj::Array<kj::byte> bytes) {
        return serve(request, {reinterpret_cast<const char*>(bytes.begin()), bytes.size()},
                     response);
      });
}

kj::Promise<void> Gateway::serve(const Request& request, std::string body,
                                 kj::HttpService::Response& response) {
  const bool verb = request.path.starts_with(kVerbs);
  const bool rule = request.path.starts_with(kRules);
  const std::string_view path = verb   ? kVerbPath
                                : rule ? kRulePath
                                       : std::string_view(request.path);
  const auto* route = std::find_if(kRoutes.begin(), kRoutes.end(),
                                   [&](const GatewayRoute& one) { return one.path == path; });
  if (route == kRoutes.end()) return send(response, no_such_path());
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  if (method != route->method) {
    return send(response,
                {405, refusal_json(make_error(ErrorCode::InvalidArgument,
                                              fmt::format("use {} here", route->method)))});
  }
  if (request.path == "/healthz") return send(response, {200, "{\"status\":\"alive\"}\n"});
  if (request.path == "/readyz") {
    const bool ready = !host_.stopping && host_.store.snapshot().ok();
    return send(response, {ready ? 200 : 503,
                           ready ? "{\"status\":\"ready\"}\n" : "{\"status\":\"not ready\"}\n"});
  }
  if (auto refusal = request.caller->refuse()) return send(response, *refusal);
  const verbs::Rights& rights = request.caller->grant().rights;
  if (request.path == "/metrics") {
    if (!rights.allow(verbs::Scope::Read) || !rights.projects.empty()) {
      return send(response, counted(host_, Refusal::deny("metrics need the scope read, over all "
                                                         "projects")));
    }
    return serve_metrics(response);
  }
  if (request.path == "/v1/ingest") return serve_lines(request, std::move(body), response);
  auto files = std::make_shared<verbs::NamedFiles>();
  Result<std::vector<std::string>> words =
      make_error(ErrorCode::NotFound, "there is no such verb or rule");
  if (rule || path == kNewRules || path == kTestRule) {
    const auto name = rule ? decode_url(request.path.substr(kRules.size())) : std::string();
    if (name && name->empty() != rule) words = alert_words(path == kTestRule, *name, request.query);
    files->give("-", std::move(body));
  } else if (!verb) {
    words = query_words(body);
  } else if (const auto name = decode_url(request.path.substr(kVerbs.size()))) {
    words = verb_words(*name, body);
  }
  if (!words) return send(response, counted(host_, words.error()));
  return serve_verb(std::move(*words), std::move(files), request.caller, response);
}

kj::Promise<void> Gateway::serve_verb(std::vector<std::string> words,
                                      std::shared_ptr<verbs::NamedFiles> files,
                                      std::shared_ptr<Caller> caller,
                                      kj::HttpService::Response& response) {
  auto line = std::make_shared<CommandLine>();
  line->words = std::move(words);
  line->files = std::move(files);
  line->user = caller->grant().name;
  line->rights = caller->grant().rights;
  line->limits = caller->limits();
  auto watch = std::make_shared<VerbWatch>();
  auto watching = watch_verb(host_, watch, line->limits.verb_ms, [] {
                  }).eagerlyEvaluate([](kj::Exception&&) {});  // timers do not fail
  auto held = kj::heap<Caller::Held>(caller);
  struct Printed {
    int code = 0;
    std::string out;
    std::string err;
  };
  return host_.workers
      .run<Printed>([host = &host_, line, watch, caller](const auto&) {
        const TimeUs begin = host->steady.now();
        Printed printed;
        const auto keep = [&](std::string& to) {
          return [&](std::string_view bytes) -> Result<void> {
            if (to.size() + bytes.size() > kMostAnswer) {
              return make_error(ErrorCode::Exhausted,
                                "the answer is larger than 64 MiB; ask for a "
                                "part of it");
            }
            to += bytes;
            return {};
          };
        };
        printed.code = run_command(*host, *line, keep(printed.out), keep(printed.err), *watch);
        std::string text;
        for (const auto& word : line->words) text += (text.empty() ? "" : " ") + word;
        note_time(*host, CallKind::Gateway, caller->grant().name, text,
                  raw(host->steady.now()) - raw(begin));
        return printed;
      })
      .then([this, &response](Printed printed) {
        if (printed.out.empty() && printed.code != 0) {
          printed.out = refusal_json(make_error(ErrorCode::Internal, printed.err));
        }
        return send(response, {http_status(printed.code, printed.out), std::move(printed.out)});
      })
      .attach(kj::mv(held), kj::mv(watching), kj::defer([watch] {
                watch->cancelled.store(
                    true, std::memory_order_relaxed);  // of no more use if it still runs
              }));
}

kj::Promise<void> Gateway::serve_lines(const Request& request, std::string lines,
                                       kj::HttpService::Response& response) {
  const verbs::Rights& rights = request.caller->grant().rights;
  if (!rights.allow(verbs::Scope::Ingest)) {
    return send(response, counted(host_, Refusal::deny("ingest needs the scope ingest, which the "
                                                       "token does not have")));
  }
  if (host_.ingester.waiting_bytes() >= host_.config.ingest_bytes) {
    return send(response, counted(host_, Refusal::busy("more lines have come than the store could "
                                                       "take so far; send them again",
                                                       1000)));
  }
  auto sequence = std::make_shared<IngestSequence>();
  sequence->actor = url_parameter(request.query, "actor").value_or("");
  sequence->rights = rights;
  auto held = kj::heap<Caller::Held>(request.caller);
  return host_.ingester.submit(std::move(sequence), std::move(lines))
      .then([this, &response](IngestAnswer answer) {
        if (answer.error) return send(response, counted(host_, *answer.error));
        return send(response, {200, acknowledgement_json(answer)});
      })
      .attach(kj::mv(held));
}

kj::Promise<void> Gateway::serve_metrics(kj::HttpService::Response& response) {
  return host_.workers
      .run<std::string>([host = &host_](const auto&) {
        const TimeUs now = SystemClock().now();
        return host->metrics.text(host->store.stats(), alert_facts(host->store, now), now);
      })
      .then([this, &response](std::string text) {
        return send(response, {200, std::move(text), "text/plain; version=0.0.4"});
      });
}

kj::Promise<void> Gateway::handleClientProtocolError(kj::HttpHeaders::ProtocolError error,
                                                     kj::HttpService::Response& response) {
  ++host_.metrics.cut_connections;
  return send(response,
              {static_cast<int>(error.statusCode),
               refusal_json(make_error(ErrorCode::InvalidArgument, error.description.cStr()))});
}

kj::Promise<void> Gateway::handleApplicationError(kj::Exception exception,
                                                  kj::Maybe<kj::HttpService::Response&> response) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) return kj::READY_NOW;
  // A body that stalled (OVERLOADED, by the timer), or one larger than announced.
  ++host_.metrics.cut_connections;
  host_.log.warn("http", {{"what", exception.getDescription().cStr()}});
  KJ_IF_MAYBE (open, response) {
    const bool late = exception.getType() == kj::Exception::Type::OVERLOADED;
    return send(*open, {late ? 503 : 400,
                        refusal_json(make_error(ErrorCode::InvalidArgument,
                                                "the request could not be read to its end"))});
  }
  return kj::READY_NOW;
}

}  // namespace cairn::server
