#include "client/credentials.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>

namespace cairn::client {
namespace {

constexpr size_t kMaxTokenBytes = 4096;  // a token is far shorter: this is another file

// Takes `--name VALUE` or `--name=VALUE` out of the words.
Result<std::optional<std::string>> take_option(std::vector<std::string>& words,
                                               const std::string& name) {
  std::optional<std::string> value;
  for (size_t i = 0; i < words.size() && words[i] != "--";) {
    if (words[i].starts_with(name + "=")) {
      value = words[i].substr(name.size() + 1);
      words.erase(words.begin() + static_cast<ptrdiff_t>(i));
    } else if (words[i] == name) {
      if (i + 1 == words.size()) {
        return make_error(ErrorCode::InvalidArgument, name + ": its value is missing");
      }
      value = words[i + 1];
      const auto at = words.begin() + static_cast<ptrdiff_t>(i);
      words.erase(at, at + 2);
    } else {
      ++i;
    }
  }
  return value;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Result<std::string> read_token(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string token(kMaxTokenBytes + 1, '\0');
  file.read(token.data(), static_cast<std::streamsize>(token.size()));
  token.resize(static_cast<size_t>(file.gcount()));
  if (file.bad() || (!file.is_open())) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("{}: cannot read the token: {}", path, std::strerror(errno)));
  }
  while (!token.empty() && std::isspace(static_cast<unsigned char>(token.back())) != 0) {
    token.pop_back();
  }
  if (token.empty() || token.size() > kMaxTokenBytes || token.find('\n') != std::string::npos) {
    return make_error(ErrorCode::InvalidArgument,
                      path + ": is no file with one token, as `cairn token create` prints it");
  }
  return token;
}

}  // namespace

Result<Credentials> take_credentials(std::vector<std::string>& words) {
  CAIRN_TRY_ASSIGN(const auto token, take_option(words, "--token"));
  CAIRN_TRY_ASSIGN(auto file, take_option(words, "--token-file"));
  CAIRN_TRY_ASSIGN(const auto tls_ca, take_option(words, "--tls-ca"));
  if (token && file) {
    return make_error(ErrorCode::InvalidArgument, "--token and --token-file: give one of them");
  }
  Credentials out;
  out.tls_ca = tls_ca.value_or(variable("CAIRN_CA"));
  if (token) {
    out.token = *token;
    return out;
  }
  if (!file) out.token = variable("CAIRN_TOKEN");
  const std::string path = file.value_or(variable("CAIRN_TOKEN_FILE"));
  if (!out.token.empty() || path.empty()) return out;
  CAIRN_TRY_ASSIGN(out.token, read_token(path));
  return out;
}

}  // namespace cairn::client
