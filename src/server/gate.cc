#include "server/gate.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

namespace cairn::server {

Refusal Refusal::deny(std::string message) {
  return make_error(ErrorCode::Denied, std::move(message));
}

Refusal Refusal::busy(std::string message, uint32_t retry_ms) {
  Refusal refusal(make_error(ErrorCode::Exhausted, std::move(message)));
  refusal.retry_after_ms = retry_ms;
  return refusal;
}

Result<void> Gate::reload() {
  struct stat info {};
  const bool there = ::stat(path_.c_str(), &info) == 0;
  const uint64_t inode = there ? info.st_ino : 0;
  const bool same = inode == inode_ && info.st_mtim.tv_sec == changed_.tv_sec &&
                    info.st_mtim.tv_nsec == changed_.tv_nsec;
  if (read_ && same) return {};
  auto tokens = read_tokens(path_);
  if (!tokens) return tokens.error();
  // With the last token gone nobody is let in without one all of a sudden.
  if (read_ && tokens->empty() && !tokens_.empty() && !there) {
    return make_error(ErrorCode::Io, fmt::format("{} is gone; its tokens stay valid until it is "
                                                 "back or the server stops",
                                                 path_));
  }
  tokens_ = std::move(*tokens);
  inode_ = inode;
  changed_ = info.st_mtim;
  if (read_) log_.info("tokens_read", {{"tokens", uint64_t{tokens_.size()}}});
  read_ = true;
  return {};
}

std::variant<Grant, Refusal> Gate::admit(std::string_view token, Way way) const {
  if (token.empty()) {
    const bool free =
        way == Way::Trusted || (tokens_.empty() && (way == Way::Local || force_insecure_));
    if (free) return Grant{"local", {}, {}, {}, way, {}};
    return Refusal::deny(
        "this server wants a token: set CAIRN_TOKEN; `cairn token create` makes "
        "one where the store is");
  }
  const Token* found = find_token(tokens_, token);
  if (found == nullptr) return Refusal::deny("the token is unknown or was revoked");
  if (found->expired(clock_.now())) return Refusal::deny("the token has expired");
  return Grant{found->name, found->rights, found->expires, found->hash, way, found->limits};
}

Result<void> Gate::check(const Grant& grant) const {
  if (grant.hash.empty()) {
    if (grant.way == Way::Trusted || tokens_.empty()) return {};
    return make_error(ErrorCode::Closed, "there are tokens now, and this session has none");
  }
  const auto found = std::find_if(tokens_.begin(), tokens_.end(), [&](const Token& token) {
    return token.name == grant.name && token.hash == grant.hash;
  });
  if (found == tokens_.end()) return make_error(ErrorCode::Closed, "the token was revoked");
  if (found->expired(clock_.now())) return make_error(ErrorCode::Closed, "the token has expired");
  return {};
}

uint32_t Rate::take(TimeUs steady_now) {
  if (per_second_ <= 0) return 0;
  const double passed = static_cast<double>(raw(steady_now) - raw(last_)) / kMicrosPerSecond;
  left_ = std::min(per_second_, left_ + passed * per_second_);
  last_ = steady_now;
  if (left_ >= 1) {
    left_ -= 1;
    return 0;
  }
  return 1 + static_cast<uint32_t>((1 - left_) / per_second_ * 1e3);
}

std::shared_ptr<Rate> Rates::of(const Grant& grant, uint64_t per_second) {
  if (grant.hash.empty()) return std::make_shared<Rate>(per_second);
  auto& rate = of_tokens_[grant.hash];
  const bool same = rate != nullptr && rate->per_second() == static_cast<double>(per_second);
  if (!same) rate = std::make_shared<Rate>(per_second);  // the token's limit was changed
  return rate;
}

}  // namespace cairn::server
