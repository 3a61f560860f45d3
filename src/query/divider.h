// Exact division of many numbers by one. A 64-bit division costs tens of cycles on many machines;
// multiplying by the inverse and setting right what rounding did costs a few.
// Value type; thread: any.
#pragma once

#include <cstdint>

namespace cairn::query {

class Divider {
 public:
  // Precondition: divisor > 0.
  explicit Divider(uint64_t divisor)
      : divisor_(divisor), inverse_(1.0 / static_cast<double>(divisor)) {}

  uint64_t divisor() const { return divisor_; }
  uint64_t operator()(uint64_t number) const {
    // Above this a double does not hold every integer.
    constexpr uint64_t kExact = uint64_t{1} << 52;
    if (number >= kExact) return number / divisor_;
    // Off by one at most, as both roundings together are far below one half.
    auto quotient = static_cast<uint64_t>(
        static_cast<int64_t>(static_cast<double>(static_cast<int64_t>(number)) * inverse_));
    const auto rest = static_cast<int64_t>(number - quotient * divisor_);
    if (rest < 0) return quotient - 1;
    if (static_cast<uint64_t>(rest) >= divisor_) return quotient + 1;
    return quotient;
  }

 private:
  uint64_t divisor_;
  double inverse_;
};

}  // namespace cairn::query
