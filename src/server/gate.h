// Who comes in, and what for: tokens as the file says now, and what calls may take.
//
// Thread: that of the loop.
#pragma once

#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/config.h"
#include "server/log.h"
#include "server/token_file.h"

namespace cairn::server {

// Why a call is refused.
struct Refusal {
  Error error;
  uint32_t retry_after_ms = 0;

  Refusal(Error e) : error(std::move(e)) {}  // NOLINT: as Result takes an Error
  static Refusal deny(std::string message);
  static Refusal busy(std::string message, uint32_t retry_ms);
};

// How somebody got here.
enum class Way : uint8_t {
  Trusted,  // a unix socket: its file's mode says who may connect
  Local,    // a loopback address
  Open,     // any other
};

struct Grant {
  std::string name;
  verbs::Rights rights;
  TimeUs expires{};
  std::string hash;  // of the token; "" = without one
  Way way{};
  SessionLimits limits{};  // the token's own

  bool operator==(const Grant&) const = default;
};

class Gate {
 public:
  // `path` of the token file. Borrows log and clock.
  Gate(std::string path, bool force_insecure, Log& log, Clock& clock)
      : path_(std::move(path)), force_insecure_(force_insecure), log_(log), clock_(clock) {}

  // Reads the file again if it changed. Errors: of read_tokens(); what was read before then stays,
  // only the first time there is nothing to stay.
  Result<void> reload();
  bool has_tokens() const { return !tokens_.empty(); }

  // A denied Refusal, or the grant.
  std::variant<Grant, Refusal> admit(std::string_view token, Way way) const;
  // Closed: the token was revoked or has expired.
  Result<void> check(const Grant& grant) const;

 private:
  const std::string path_;
  const bool force_insecure_;
  Log& log_;
  Clock& clock_;
  std::vector<Token> tokens_;
  timespec changed_{};
  uint64_t inode_ = 0;
  bool read_ = false;
};

// So many requests a second, as many at once after a quiet second. Thread: that of the loop.
class Rate {
 public:
  explicit Rate(uint64_t per_second)
      : per_second_(static_cast<double>(per_second)), left_(per_second_) {}
  // 0: go on. Else: in so many ms.
  uint32_t take(TimeUs steady_now);
  double per_second() const { return per_second_; }

 private:
  double per_second_;
  double left_;
  TimeUs last_{};
};

// A rate for each token, whatever the ways and the sessions it is used in, and one for each session
// without a token. Thread: that of the loop.
class Rates {
 public:
  std::shared_ptr<Rate> of(const Grant& grant, uint64_t per_second);

 private:
  // By hash; at most as many as there were tokens since the server began.
  std::map<std::string, std::shared_ptr<Rate>> of_tokens_;
};

}  // namespace cairn::server
