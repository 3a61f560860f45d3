#include "server/destination.h"

#include <fmt/format.h>
#include <kj/compat/url.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "server/config_reader.h"

namespace cairn::server {
namespace {

using alert::Severity;

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxDestinationName || name.front() == '.') return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

// One of some words.
template <class T>
struct Word {
  std::string_view text;
  T value;
};
template <class T, size_t N>
Result<void> choose(ConfigReader& reader, std::string_view key, const Word<T> (&words)[N], T& out) {
  std::string given;
  CAIRN_TRY(reader.text(key, given));
  if (!reader.has(key)) return {};
  std::string known;
  for (const Word<T>& word : words) {
    if (word.text == given) {
      out = word.value;
      return {};
    }
    known += fmt::format("{}\"{}\"", known.empty() ? "" : ", ", word.text);
  }
  return reader.bad_key(key, fmt::format("`{}` is one of {}", key, known));
}

constexpr Word<Destination::Kind> kKinds[] = {{"webhook", Destination::Kind::Webhook},
                                              {"file", Destination::Kind::File},
                                              {"stdout", Destination::Kind::Stdout}};
constexpr Word<alert::NotificationFormat> kFormats[] = {
    {"notification", alert::NotificationFormat::Notification},
    {"result-v3", alert::NotificationFormat::ResultV3}};
constexpr Word<Severity> kSeverities[] = {{"warning", Severity::Warning},
                                          {"critical", Severity::Critical}};

Result<std::string> read_secret(const ConfigReader& reader, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    return reader.bad_key("secret_file",
                          fmt::format("`secret_file`: cannot read {}: {}", path, strerror(errno)));
  }
  std::string secret = text.str();
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.empty()) {
    return reader.bad_key("secret_file", fmt::format("`secret_file`: {} is empty", path));
  }
  return secret;
}

Result<void> read_webhook(ConfigReader& reader, Destination& out) {
  CAIRN_TRY(reader.text("url", out.url));
  CAIRN_TRY(reader.text("secret", out.secret));
  CAIRN_TRY(reader.text("tls_ca", out.tls_ca));
  std::string secret_file;
  CAIRN_TRY(reader.text("secret_file", secret_file));
  CAIRN_TRY(reader.number("connect_ms", 1u, 600'000u, out.connect_ms));
  CAIRN_TRY(reader.number("timeout_ms", 1u, 600'000u, out.timeout_ms));
  CAIRN_TRY(reader.number("parallel", 1u, 64u, out.policy.parallel));
  if (out.url.empty()) return reader.bad("a webhook needs a `url`");
  // The URL itself is not shown: it may have a secret in it.
  const auto url = kj::Url::tryParse(out.url.c_str());
  bool fine = false;
  KJ_IF_MAYBE (parsed, url) {
    const bool known = parsed->scheme == "http" || parsed->scheme == "https";
    fine = known && parsed->host.size() > 0 && parsed->userInfo == nullptr;
  }
  // It becomes a line of a request.
  fine = fine &&
         std::all_of(out.url.begin(), out.url.end(), [](char c) { return c > ' ' && c < 127; });
  if (!fine) {
    return reader.bad_key("url",
                          "`url` is none of the form http://HOST[:PORT]/PATH or https://..., "
                          "without user and password");
  }
  if (!secret_file.empty()) {
    if (!out.secret.empty()) {
      return reader.bad_key("secret_file", "give `secret` or `secret_file`, not both");
    }
    CAIRN_TRY_ASSIGN(out.secret, read_secret(reader, secret_file));
  }
  return {};
}

Result<void> read_policy(ConfigReader& reader, alert::DeliveryPolicy& policy) {
  const auto time = [&](std::string_view key, uint64_t least, uint64_t unit_us,
                        int64_t& out) -> Result<void> {
    uint64_t value = static_cast<uint64_t>(out) / unit_us;
    constexpr uint64_t kYearUs = 366ull * 86'400 * kMicrosPerSecond;
    CAIRN_TRY(reader.number(key, least, kYearUs / unit_us, value));
    if (reader.has(key)) out = static_cast<int64_t>(value * unit_us);
    return {};
  };
  CAIRN_TRY(time("retry_first_ms", 1, 1000, policy.first_wait_us));
  CAIRN_TRY(time("retry_most_ms", 1, 1000, policy.most_wait_us));
  CAIRN_TRY(time("retry_after_most_s", 0, kMicrosPerSecond, policy.most_told_us));
  CAIRN_TRY(time("give_up_s", 1, kMicrosPerSecond, policy.give_up_us));
  CAIRN_TRY(time("max_age_s", 1, kMicrosPerSecond, policy.most_age_us));
  CAIRN_TRY(reader.number("max_attempts", 1u, 100'000u, policy.attempts));
  return reader.number("window", 1u, 100'000u, policy.window);
}

Result<void> read_filter(ConfigReader& reader, Destination& out) {
  CAIRN_TRY(choose(reader, "min_severity", kSeverities, out.least));
  const auto rule = [&](const toml::node& node) -> Result<void> {
    if (const auto name = node.value_exact<std::string>(); name && !name->empty()) {
      out.rule_names.push_back(*name);
      return {};
    }
    const auto number = node.value_exact<int64_t>();
    if (!number || *number <= 0 || *number > UINT32_MAX) {
      return reader.bad(node, "a rule is given by its number or its name");
    }
    out.rules.push_back(static_cast<uint32_t>(*number));
    return {};
  };
  const auto project = [&](const toml::node& node) -> Result<void> {
    const auto number = node.value_exact<int64_t>();
    if (!number || *number <= 0) return reader.bad(node, "a project is given by its number");
    out.projects.push_back(ProjectId{static_cast<uint64_t>(*number)});
    return {};
  };
  CAIRN_TRY(reader.list("rules", "numbers and names", rule));
  CAIRN_TRY(reader.list("projects", "numbers", project));
  // One that is empty by mistake must not become "all".
  const bool no_rules = reader.has("rules") && out.rules.empty() && out.rule_names.empty();
  const bool no_projects = reader.has("projects") && out.projects.empty();
  if (no_rules) return reader.bad_key("rules", "`rules` is empty; leave it out for all");
  if (no_projects) return reader.bad_key("projects", "`projects` is empty; leave it out for all");
  return {};
}

}  // namespace

std::string_view kind_name(Destination::Kind kind) {
  for (const auto& word : kKinds) {
    if (word.value == kind) return word.text;
  }
  return "";
}

bool Destination::wants(const alert::Described& described) const {
  const alert::Notification& one = described.notification;
  const auto has = [](const auto& list, const auto& value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  if (!rules.empty() || !rule_names.empty()) {
    if (!has(rules, one.rule) && !has(rule_names, one.rule_name)) return false;
  }
  if (one.kind == alert::Notification::Kind::Firing) {
    return projects.empty() || has(projects, one.project);
  }
  if (std::max(one.from, one.to) < least) return false;
  if (projects.empty()) return true;
  // A rule over other projects too would tell of these.
  if (described.rule == nullptr || described.rule->projects.empty()) return false;
  return std::all_of(described.rule->projects.begin(), described.rule->projects.end(),
                     [&](ProjectId project) { return has(projects, project); });
}

Result<Destination> read_destination(ConfigReader& reader) {
  Destination out;
  CAIRN_TRY(reader.text("name", out.name));
  if (!is_name(out.name)) {
    return reader.bad_key("name", fmt::format("a destination has a `name` of up to {} letters, "
                                              "digits, - _ and . (not first)",
                                              kMaxDestinationName));
  }
  if (!reader.has("kind")) return reader.bad("a destination has a `kind`: webhook, file or stdout");
  CAIRN_TRY(choose(reader, "kind", kKinds, out.kind));
  CAIRN_TRY(choose(reader, "format", kFormats, out.format));
  CAIRN_TRY(read_filter(reader, out));
  CAIRN_TRY(read_policy(reader, out.policy));
  if (out.kind == Destination::Kind::Webhook) {
    CAIRN_TRY(read_webhook(reader, out));
  } else {
    // Lines are written many at a time.
    out.policy.parallel = 100;
  }
  if (out.kind == Destination::Kind::File) {
    CAIRN_TRY(reader.text("path", out.path));
    if (out.path.empty()) return reader.bad("a file needs a `path`");
  }
  CAIRN_TRY(reader.end());
  return out;
}

Result<void> check_destinations(const std::vector<Destination>& destinations) {
  const auto refused = [](std::string message) {
    return make_error(ErrorCode::InvalidArgument, std::move(message));
  };
  if (destinations.size() > kMaxDestinations) {
    return refused(fmt::format("at most {} destinations", kMaxDestinations));
  }
  for (size_t i = 0; i < destinations.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Destination& a = destinations[i];
      const Destination& b = destinations[j];
      if (a.name == b.name) {
        return refused(fmt::format("two destinations have the name \"{}\"", a.name));
      }
      if (a.kind != b.kind || a.kind == Destination::Kind::Webhook || a.path != b.path) continue;
      return refused(fmt::format("the destinations \"{}\" and \"{}\" write to the same place",
                                 b.name, a.name));
    }
  }
  return {};
}

}  // namespace cairn::server
