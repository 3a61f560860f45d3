// The generated load: the same everywhere, valid, and shaped like the data it imitates.
#include "client/generate.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "model/message.h"
#include "model/occurrence.h"

using namespace cairn;
using client::generate;
using client::GenerateOptions;

namespace {

std::string text_of(const GenerateOptions& options) {
  std::string text;
  const auto result = generate(options, [&](std::string_view block) -> Result<void> {
    text += block;
    return {};
  });
  REQUIRE(result.ok());
  return text;
}

GenerateOptions sized(uint64_t occurrences, uint64_t seed) {
  GenerateOptions options;
  options.occurrences = occurrences;
  options.seed = seed;
  return options;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

// The text between `before` and the next quote, comma or brace; "" when the line lacks it.
std::string_view after(std::string_view line, std::string_view before) {
  const size_t at = line.find(before);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + before.size());
  return line.substr(0, line.find_first_of("\",}"));
}

double detection_time(std::string_view line) {
  return std::strtod(std::string(after(line, "\"detection_time\":")).c_str(), nullptr);
}

using Counts = std::map<std::string_view, uint64_t>;

Counts count_values(const std::vector<std::string_view>& lines, std::string_view before) {
  Counts counts;
  for (const auto line : lines) {
    const std::string_view value = after(line, before);
    if (!value.empty()) ++counts[value];
  }
  return counts;
}

std::vector<double> falling(const Counts& counts) {
  std::vector<double> sizes;
  for (const auto& [value, count] : counts) sizes.push_back(static_cast<double>(count));
  std::sort(sizes.rbegin(), sizes.rend());
  return sizes;
}

// Maximum-likelihood exponent of Zipf's law over ranks: the s whose expected log rank is the
// observed one.
double zipf_exponent(const Counts& counts) {
  const std::vector<double> sizes = falling(counts);
  double total = 0;
  double log_ranks = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    total += sizes[i];
    log_ranks += sizes[i] * std::log(static_cast<double>(i + 1));
  }
  double low = 0;
  double high = 4;
  while (high - low > 0.001) {
    const double s = (low + high) / 2;
    double norm = 0;
    double expected = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      const double log_rank = std::log(static_cast<double>(i + 1));
      norm += std::exp(-s * log_rank);
      expected += std::exp(-s * log_rank) * log_rank;
    }
    (expected / norm > log_ranks / total ? low : high) = s;
  }
  return low;
}

// Variance over mean of the counts in hours: 1 for a Poisson process.
double fano(const std::vector<double>& hours) {
  double sum = 0;
  double squares = 0;
  for (const double count : hours) {
    sum += count;
    squares += count * count;
  }
  const double mean = sum / static_cast<double>(hours.size());
  return (squares / static_cast<double>(hours.size()) - mean * mean) / mean;
}

constexpr std::string_view kFine = "\"fingerprint\":[\"";

}  // namespace

TEST_CASE("a seed gives the same bytes on every machine") {
  // Fixed on purpose: a change means that figures and demos made before are not comparable.
  CHECK(hash128(text_of(sized(1000, 1))).hex() == "02ee931a3e414a9ed72414100f48684a");
  CHECK(hash128(text_of(sized(20'000, 42))).hex() == "7b6a8526a27f20a99c383ea7babfc81f");
  CHECK(text_of(sized(1000, 1)) != text_of(sized(1000, 2)));
}

TEST_CASE("another stream strikes the same problems with other occurrences") {
  GenerateOptions other = sized(5000, 1);
  other.stream = 1;
  const std::string first = text_of(sized(5000, 1));
  const std::string second = text_of(other);
  const Counts ids = count_values(lines_of(first), "{\"id\":\"");
  for (const auto line : lines_of(second)) CHECK(!ids.contains(after(line, "{\"id\":\"")));
  const auto title = [](const std::string& text) { return after(text, "\"issue_title\":\""); };
  const Counts titles = count_values(lines_of(first), "\"issue_title\":\"");
  CHECK(titles.contains(title(second)));
}

TEST_CASE("every line is an occurrence the store accepts") {
  const std::string text = text_of(sized(20'000, 7));
  model::MessageParser parser;
  std::set<Uuid> ids;
  for (const auto line : lines_of(text)) {
    INFO(line);
    auto parsed = parser.parse(line);
    REQUIRE(parsed.ok());
    const auto* occurrence = std::get_if<model::Occurrence>(&*parsed);
    REQUIRE(occurrence != nullptr);
    REQUIRE(occurrence->fingerprint.size() <= 2);
    REQUIRE(occurrence->event_id.has_value());
    ids.insert(occurrence->id);
  }
  CHECK(ids.size() == 20'000);
}

TEST_CASE("sizes and cardinalities follow the figures of real data") {
  const std::string text = text_of(sized(200'000, 3));
  const auto lines = lines_of(text);
  REQUIRE(lines.size() == 200'000);

  const Counts fine = count_values(lines, kFine);
  CHECK(fine.size() > 3'000);
  CHECK(fine.size() < 7'000);
  CHECK(zipf_exponent(fine) == Approx(1.2).margin(0.1));
  const auto sizes = falling(fine);
  CHECK(sizes[0] / 200'000 == Approx(0.13).margin(0.015));
  CHECK(sizes[1] / 200'000 == Approx(0.12).margin(0.015));
  const auto singletons = std::count(sizes.begin(), sizes.end(), 1.0);
  CHECK(static_cast<double>(singletons) / static_cast<double>(sizes.size()) > 0.15);

  const Counts projects = count_values(lines, "\"project_id\":");
  CHECK(projects.size() == 20);
  CHECK(falling(projects)[0] / 200'000 == Approx(0.44).margin(0.03));

  const Counts users = count_values(lines, "\"user\":{\"id\":\"");
  CHECK(users.size() > 10'000);
  CHECK(zipf_exponent(users) == Approx(0.95).margin(0.1));
  const Counts urls = count_values(lines, "\"url\":\"");
  CHECK(urls.size() > 300);
  CHECK(urls.size() < 500);
  CHECK(count_values(lines, "\"release\":\"shop@").size() == 200);
  CHECK(count_values(lines, "\"browser\":\"").size() == 12);
  CHECK(count_values(lines, "\"level\":\"").size() == 4);
  CHECK(count_values(lines, "\"environment\":\"").size() == 3);
  const double mean = static_cast<double>(text.size()) / 200'000;
  CHECK(mean > 380);
  CHECK(mean < 420);
}

TEST_CASE("bodies are as long as wanted and stay valid") {
  GenerateOptions options = sized(500, 4);
  const size_t lean = text_of(options).size();
  options.body_bytes = 5000;
  const std::string text = text_of(options);
  const double more = static_cast<double>(text.size() - lean) / 500;
  CHECK(more > 5000);
  CHECK(more < 5200);
  model::MessageParser parser;
  for (const auto line : lines_of(text)) {
    const auto parsed = parser.parse(line);
    REQUIRE(parsed.ok());
    CHECK(std::get<model::Occurrence>(*parsed).event.find("stacktrace") != std::string::npos);
  }
}

TEST_CASE("one problem is split over up to eight fine fingerprints with one title") {
  const std::string text = text_of(sized(100'000, 5));
  std::map<std::string_view, std::set<std::string_view>> fine_of;
  std::map<std::string_view, std::set<std::string_view>> titles_of;
  for (const auto line : lines_of(text)) {
    const std::string_view fine = after(line, kFine);
    const std::string_view coarse = after(line, std::string(fine) + R"(",")");
    if (coarse.empty()) continue;  // most problems are known by fine ones only
    fine_of[coarse].insert(fine);
    titles_of[coarse].insert(after(line, "\"issue_title\":\""));
  }
  size_t split = 0;
  for (const auto& [coarse, fine] : fine_of) {
    CHECK(fine.size() <= 8);
    if (fine.size() > 1) ++split;
  }
  for (const auto& [coarse, titles] : titles_of) CHECK(titles.size() == 1);
  CHECK(split * 3 > fine_of.size());
}

TEST_CASE("times ascend, keep a daily rhythm and come in bursts") {
  GenerateOptions options = sized(200'000, 9);
  options.days = 14;
  const std::string text = text_of(options);
  const auto end = static_cast<double>(options.end_time_s);
  std::vector<double> hours(14 * 24);
  std::vector<double> hours_of_biggest(14 * 24);
  std::vector<double> by_hour(24);
  const auto lines = lines_of(text);
  const Counts fine = count_values(lines, kFine);
  const auto biggest = std::max_element(fine.begin(), fine.end(), [](const auto& a, const auto& b) {
                         return a.second < b.second;
                       })->first;
  double previous = end - 14 * 86'400;
  for (const auto line : lines) {
    const double time = detection_time(line);
    REQUIRE(time >= previous);
    REQUIRE(time < end);
    previous = time;
    const auto hour = static_cast<size_t>((time - (end - 14 * 86'400)) / 3600);
    ++hours[hour];
    ++by_hour[static_cast<size_t>(time / 3600) % 24];
    if (after(line, kFine) == biggest) ++hours_of_biggest[hour];
  }
  CHECK(fano(hours) > 10);
  CHECK(fano(hours_of_biggest) > 3);
  CHECK(by_hour[11] > 2 * by_hour[3]);
}

TEST_CASE("new releases replace old ones") {
  const std::string text = text_of(sized(100'000, 11));
  const auto lines = lines_of(text);
  const std::vector<std::string_view> first(lines.begin(), lines.begin() + 20'000);
  const std::vector<std::string_view> last(lines.end() - 20'000, lines.end());
  const Counts early = count_values(first, "\"release\":\"shop@");
  const Counts late = count_values(last, "\"release\":\"shop@");
  const auto top = [](const Counts& counts) {
    return std::max_element(counts.begin(), counts.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  };
  CHECK(top(early) != top(late));
  CHECK(early.count(top(late)) == 0);
  CHECK((late.count(top(early)) == 0 || late.at(top(early)) * 20 < early.at(top(early))));
}

TEST_CASE("options out of range are refused by name") {
  const auto never = [](std::string_view) -> Result<void> {
    FAIL("no output expected");
    return {};
  };
  GenerateOptions options = sized(client::kMaxGenerated + 1, 1);
  auto result = generate(options, never);
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::InvalidArgument);
  CHECK(result.error().message.find("occurrences") != std::string::npos);
  options = sized(10, 1);
  options.days = 0;
  CHECK(generate(options, never).error().message.find("days") != std::string::npos);
  options = sized(10, 1);
  options.end_time_s = 0;
  CHECK(generate(options, never).error().message.find("end time") != std::string::npos);
  CHECK(generate(sized(0, 1), never).ok());
}

TEST_CASE("an error of the sink ends the run") {
  int blocks = 0;
  const auto result = generate(sized(10'000, 1), [&](std::string_view) -> Result<void> {
    ++blocks;
    return make_error(ErrorCode::Exhausted, "full");
  });
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::Exhausted);
  CHECK(blocks == 1);
}

TEST_CASE("extreme pools work") {
  for (const uint32_t pool : {1u, 2u, 3u, 1000u}) {
    INFO("pool of " << pool);
    GenerateOptions options = sized(3000, 1);
    options.projects = pool;
    options.fingerprints = pool;
    options.users = pool;
    options.urls = pool;
    options.releases_per_project = pool;
    options.days = pool == 1000 ? 3650 : pool;
    options.end_time_s = 2'000'000'000;
    CHECK(lines_of(text_of(options)).size() == 3000);
  }
}
