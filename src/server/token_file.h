// Tokens: who may do what. The file (TOML, mode 0600) holds of each a salted hash of its secret,
// never the secret; `cairn token` writes it, a running server looks at it once a second.
//
// Values. Thread: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/mac.h"
#include "base/result.h"
#include "server/session_limits.h"
#include "verbs/demand.h"

namespace cairn::server {

struct Token {
  std::string name;  // letters, digits, - _ . : for logs, `token revoke` and as the actor of writes
  MacKey salt;
  std::string hash;  // HMAC-SHA256 of the secret under the salt, 32 bytes
  verbs::Rights rights;
  TimeUs created{};
  TimeUs expires{};  // 0 = never
  SessionLimits limits{};

  bool expired(TimeUs now) const { return raw(expires) != 0 && now >= expires; }
};

inline constexpr size_t kMaxTokens = 10'000;
inline constexpr size_t kMaxTokenName = 64;
inline constexpr std::string_view kTokenPrefix = "cairn_";

struct TokenWish {
  std::string name;
  verbs::Rights rights;
  TimeUs expires{};
  SessionLimits limits{};
};

// A new token and its text, cairn_NAME_SECRET with 256 random bits, which nobody can tell
// afterwards. Errors: InvalidArgument (name, no scope, a limit that leaves nothing), Io (no random
// bytes).
struct MadeToken {
  Token token;
  std::string text;
};
Result<MadeToken> make_token(const TokenWish& wish, TimeUs now);

// The token that a text is of: takes as long for a wrong secret as for the right one. nullptr:
// there is none. Whether it has expired is for the caller to ask.
const Token* find_token(const std::vector<Token>& tokens, std::string_view text);

// What the file says; no file: no tokens. Errors: Io, Corruption (not of this form: names the
// line), InvalidArgument (others than the owner may read it).
Result<std::vector<Token>> read_tokens(const std::string& path);
// Replaces the file at once and durably. Errors: Io.
Result<void> write_tokens(const std::string& path, const std::vector<Token>& tokens);

// "read,triage"
std::string scopes_text(const verbs::Rights& rights);

}  // namespace cairn::server
