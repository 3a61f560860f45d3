// Small random occurrences, the same for the same seed: few projects, fingerprints on three
// levels, tags of several cardinalities, times that mostly advance.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/occurrence.h"

namespace cairn::testing {

class RandomOccurrences {
 public:
  explicit RandomOccurrences(uint64_t seed) : random_(seed) {}

  uint64_t below(uint64_t n) { return random_() % n; }

  model::Occurrence next() {
    model::Occurrence o;
    for (auto& byte : o.id.bytes) byte = static_cast<uint8_t>(random_());
    o.project = ProjectId{1 + below(3)};
    const uint64_t fine = skewed(40);
    o.fingerprint = {fmt::format("fine-{}", fine), fmt::format("mid-{}", fine / 4),
                     fmt::format("coarse-{}", fine / 16)};
    o.title = fmt::format("Error {} in part {}", fine / 4, fine % 7);
    o.subtitle = fmt::format("value {}", below(5));
    o.culprit = fmt::format("module_{}", fine % 5);
    static constexpr const char* kLevels[] = {"debug", "info", "warning", "error", "fatal"};
    o.level_text = kLevels[below(5)];
    o.type = below(10) == 0 ? 6001 : 1;
    seconds_ += static_cast<double>(below(2000)) / 10.0;
    o.detection_time = seconds_ - (below(8) == 0 ? static_cast<double>(below(5000)) : 0.0);
    Uuid event_id;
    for (auto& byte : event_id.bytes) byte = static_cast<uint8_t>(random_());
    o.event_id = event_id;
    std::string tags = fmt::format(R"("browser":"{}")", kBrowsers[below(4)]);
    if (below(3) != 0) tags += fmt::format(R"(,"shard":"{}")", below(30));
    if (below(4) == 0) tags += fmt::format(R"(,"customer tier":"tier {}")", below(3));
    if (below(20) == 0) tags += R"(,"os.name":"Plan 9")";
    std::string more;
    if (below(3) == 0) {
      more = fmt::format(
          R"(,"contexts":{{"os":{{"type":"os","name":"{}"}},"device":{{"class":"{}"}},)"
          R"("response":{{"status_code":{}}}}})",
          below(2) == 0 ? "Linux" : "Windows", below(2) == 0 ? "2" : "low", 200 + 100 * below(4));
    }
    if (below(4) == 0) add_evidence(o);
    std::string user;
    if (below(5) != 0) user = fmt::format(R"(,"user":{{"id":"u{}"}})", skewed(60));
    o.event = fmt::format(
        R"({{"event_id":"{}","project_id":{},"platform":"python","environment":"{}",)"
        R"("release":"{}.{}","request":{{"url":"https://shop.example/{}"}}{}{},"tags":{{{}}}}})",
        event_id.hex(), raw(o.project), below(3) == 0 ? "staging" : "production", 1 + below(2),
        below(6), skewed(200), user, more, tags);
    return o;
  }

  std::vector<model::Occurrence> take(size_t count) {
    std::vector<model::Occurrence> all;
    all.reserve(count);
    while (all.size() < count) all.push_back(next());
    return all;
  }

 private:
  static constexpr const char* kBrowsers[] = {"Chrome 120", "Firefox 119", "Safari 17", "Edge 1"};

  void add_evidence(model::Occurrence& o) {
    o.evidence_data =
        fmt::format(R"({{"took":"{}ms","spans":[1,2],"rows":{}}})", below(6) * 50, skewed(1000));
    o.evidence_display =
        fmt::format(R"([{{"name":"Slow Query","value":"SELECT {} FROM cart","important":true}},)"
                    R"({{"name":"rows","value":"{}","important":false}}])",
                    below(4), skewed(20));
  }

  // Small numbers far more often than large ones.
  uint64_t skewed(uint64_t n) { return below(1 + below(n)); }

  std::mt19937_64 random_;
  double seconds_ = 1'700'000'000.0;
};

}  // namespace cairn::testing
