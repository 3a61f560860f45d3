#include "server/token_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/base64url.h"
#include "base/time_format.h"

namespace cairn::server {
namespace {

Error io_error(const std::string& path, std::string_view what) {
  return make_error(ErrorCode::Io, fmt::format("{}: cannot {}: {}", path, what, strerror(errno)));
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxTokenName) return false;
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '.' || c == '_';
    if (!fine) return false;
  }
  return true;
}

std::string_view bytes_of(const Mac& mac) {
  return {reinterpret_cast<const char*>(mac.data()), mac.size()};
}
std::string_view bytes_of(const MacKey& key) {
  return {reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size()};
}

std::vector<std::string> scope_names(const verbs::Rights& rights) {
  std::vector<std::string> names;
  for (size_t i = 0; i < verbs::kScopes; ++i) {
    if ((rights.scopes & (1u << i)) != 0) {
      names.emplace_back(verbs::scope_name(static_cast<verbs::Scope>(i)));
    }
  }
  return names;
}

Error damaged(const std::string& path, const toml::node& at, std::string_view what) {
  return make_error(ErrorCode::Corruption,
                    fmt::format("{}, line {}: {}; `cairn token` writes this file", path,
                                at.source().begin.line, what));
}

Result<TimeUs> time_of(const std::string& path, const toml::table& table, std::string_view key) {
  const auto text = table[key].value<std::string>();
  if (!text || text->empty()) return TimeUs{};
  const auto time = parse_time(*text);
  if (!time) return damaged(path, table, fmt::format("`{}` is no time", key));
  return *time;
}

Result<void> check_limits(const SessionLimits& limits) {
  for (const LimitName& name : kLimitNames) {
    if (limits.*name.limit <= INT64_MAX) continue;  // as many as the file can hold
    return make_error(ErrorCode::InvalidArgument, fmt::format("`{}` is too large", name.key));
  }
  if (limits.message_bytes == 0 || limits.message_bytes >= kLeastMessageBytes) return {};
  return make_error(ErrorCode::InvalidArgument,
                    fmt::format("`message_bytes` is at least {}", kLeastMessageBytes));
}

Result<SessionLimits> limits_of(const std::string& path, const toml::table& table) {
  SessionLimits limits;
  for (const LimitName& name : kLimitNames) {
    const toml::node* node = table.get(name.key);
    if (node == nullptr) continue;
    // One that cannot be read must not become "that of the server".
    const auto value = node->value_exact<int64_t>();
    if (!value || *value <= 0) {
      return damaged(path, *node, fmt::format("`{}` is no number above 0", name.key));
    }
    limits.*name.limit = static_cast<uint64_t>(*value);
  }
  if (const auto fine = check_limits(limits); !fine) {
    return damaged(path, table, fine.error().message);
  }
  return limits;
}

Result<Token> token_of(const std::string& path, const toml::table& table) {
  Token token;
  token.name = table["name"].value_or(std::string());
  if (!is_name(token.name)) return damaged(path, table, "`name` is missing or no name");
  const auto salt = from_base64url(table["salt"].value_or(std::string()));
  const auto hash = from_base64url(table["hash"].value_or(std::string()));
  if (!salt || salt->size() != MacKey::kBytes || !hash || hash->size() != sizeof(Mac)) {
    return damaged(path, table, "`salt` or `hash` is missing or not 32 bytes in base64url");
  }
  std::memcpy(token.salt.bytes.data(), salt->data(), salt->size());
  token.hash = *hash;
  token.rights.scopes = 0;
  const toml::array* scopes = table["scopes"].as_array();
  if (scopes == nullptr) return damaged(path, table, "`scopes` is missing");
  for (const toml::node& node : *scopes) {
    const auto scope = verbs::parse_scope(node.value_or(std::string()));
    if (!scope) return damaged(path, node, "a scope is none of read, triage, ingest, admin");
    token.rights.scopes |= static_cast<uint8_t>(1u << static_cast<uint8_t>(*scope));
  }
  // A list that cannot be read must not become "all projects".
  if (table.contains("projects") && table["projects"].as_array() == nullptr) {
    return damaged(path, table, "`projects` is no list");
  }
  if (const toml::array* projects = table["projects"].as_array()) {
    for (const toml::node& node : *projects) {
      const auto number = node.value<int64_t>();
      if (!number || *number <= 0) return damaged(path, node, "a project is no number");
      token.rights.projects.push_back(ProjectId{static_cast<uint64_t>(*number)});
    }
    if (projects->empty()) return damaged(path, *projects, "`projects` is empty");
  }
  CAIRN_TRY_ASSIGN(token.created, time_of(path, table, "created"));
  CAIRN_TRY_ASSIGN(token.expires, time_of(path, table, "expires"));
  CAIRN_TRY_ASSIGN(token.limits, limits_of(path, table));
  return token;
}

Result<std::string> read_private(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::string();
    return io_error(path, "read");
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("{}: others than its owner have rights on it; chmod 600 it and "
                                  "make new tokens if somebody may have changed it",
                                  path));
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return io_error(path, "read");
  return text.str();
}

// What `token_of` reads; everything in it needs no escapes.
std::string text_of(const Token& token) {
  std::string out =
      fmt::format("\n[[token]]\nname = \"{}\"\nsalt = \"{}\"\nhash = \"{}\"\n", token.name,
                  to_base64url(bytes_of(token.salt)), to_base64url(token.hash));
  out += fmt::format("scopes = [\"{}\"]\n", fmt::join(scope_names(token.rights), "\", \""));
  if (!token.rights.projects.empty()) {
    std::vector<uint64_t> numbers;
    for (const ProjectId project : token.rights.projects) numbers.push_back(raw(project));
    out += fmt::format("projects = [{}]\n", fmt::join(numbers, ", "));
  }
  out += fmt::format("created = \"{}\"\n", format_time(token.created));
  if (raw(token.expires) != 0) {
    out += fmt::format("expires = \"{}\"\n", format_time(token.expires));
  }
  for (const LimitName& name : kLimitNames) {
    const uint64_t limit = token.limits.*name.limit;
    if (limit != 0) out += fmt::format("{} = {}\n", name.key, limit);
  }
  return out;
}

Result<void> write_all(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error(path, "write");
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (::fsync(fd) != 0) return io_error(path, "sync");
  return {};
}

}  // namespace

std::string scopes_text(const verbs::Rights& rights) {
  return fmt::format("{}", fmt::join(scope_names(rights), ","));
}

Result<MadeToken> make_token(const TokenWish& wish, TimeUs now) {
  if (!is_name(wish.name)) {
    return make_error(ErrorCode::InvalidArgument,
                      fmt::format("'{}' cannot name a token; take up to {} of letters, digits, - _ "
                                  "and .",
                                  wish.name, kMaxTokenName));
  }
  if (wish.rights.scopes == 0) {
    return make_error(ErrorCode::InvalidArgument,
                      "a token without a scope can do nothing; give --scope read, triage, ingest "
                      "or admin");
  }
  CAIRN_TRY(check_limits(wish.limits));
  CAIRN_TRY_ASSIGN(const MacKey salt, random_mac_key());
  CAIRN_TRY_ASSIGN(const MacKey secret, random_mac_key());
  const std::string text = to_base64url(bytes_of(secret));
  MadeToken made{{wish.name, salt, std::string(bytes_of(mac_of(salt, text))), wish.rights, now,
                  wish.expires, wish.limits},
                 fmt::format("{}{}_{}", kTokenPrefix, wish.name, text)};
  return made;
}

const Token* find_token(const std::vector<Token>& tokens, std::string_view text) {
  // cairn_NAME_SECRET: base64url has '_' too, but a secret always has the same length.
  constexpr size_t kSecret = 43;
  if (!text.starts_with(kTokenPrefix)) return nullptr;
  text.remove_prefix(kTokenPrefix.size());
  if (text.size() <= kSecret + 1 || text[text.size() - kSecret - 1] != '_') return nullptr;
  const std::string_view name = text.substr(0, text.size() - kSecret - 1);
  const std::string_view secret = text.substr(text.size() - kSecret);
  for (const Token& token : tokens) {
    if (token.name != name) continue;
    const Mac mac = mac_of(token.salt, secret);
    if (equal_macs(bytes_of(mac), token.hash)) return &token;
  }
  return nullptr;
}

Result<std::vector<Token>> read_tokens(const std::string& path) {
  CAIRN_TRY_ASSIGN(const std::string text, read_private(path));
  std::vector<Token> tokens;
  try {
    const toml::table parsed = toml::parse(text, path);
    const toml::array* list = parsed["token"].as_array();
    if (list == nullptr) return tokens;
    for (const toml::node& node : *list) {
      const toml::table* table = node.as_table();
      if (table == nullptr) return damaged(path, node, "a token is no table");
      CAIRN_TRY_ASSIGN(Token token, token_of(path, *table));
      tokens.push_back(std::move(token));
    }
  } catch (const toml::parse_error& error) {
    return make_error(
        ErrorCode::Corruption,
        fmt::format("{}, line {}: {}", path, error.source().begin.line, error.description()));
  }
  return tokens;
}

Result<void> write_tokens(const std::string& path, const std::vector<Token>& tokens) {
  std::string text = "# Written by `cairn token`; of each token a salted hash, not the secret.\n";
  for (const Token& token : tokens) text += text_of(token);
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io_error(fresh, "make");
  auto written = write_all(fd, fresh, text);
  ::close(fd);
  CAIRN_TRY(written);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io_error(path, "replace");
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    (void)::fsync(directory);
    ::close(directory);
  }
  return {};
}

}  // namespace cairn::server
