// What issues are sorted by, from their matching occurrences one by one: docs/query-language.md,
// "Sorts", written down a second time.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "base/ids.h"
#include "query/search.h"

namespace cairn::testing {

// One matching occurrence.
struct NaiveMatch {
  TimeUs time{};
  std::string user;  // "" = none
  std::string level;
};

struct NaiveIssue {
  GroupId id{};
  int priority = 50;       // the issue's own
  int type_priority = 50;  // the default of its type
  std::vector<NaiveMatch> matches;
};

class NaiveSort {
 public:
  NaiveSort(const NaiveIssue& issue, TimeUs now) : issue_(issue), now_(now) {}

  int64_t key(query::Sort sort) const {
    switch (sort) {
      case query::Sort::Date:
        return raw(newest());
      case query::Sort::New:
        return raw(oldest());
      case query::Sort::Freq:
        return static_cast<int64_t>(issue_.matches.size());
      case query::Sort::User:
        return users();
      case query::Sort::Trends:
        return trends();
      case query::Sort::Recommended:
        return recommended();
      default:
        // Times of the tests lie far within eighteen thousand years around 1970.
        return issue_.priority / 25 * (int64_t{1} << 60) + (int64_t{1} << 59) + raw(newest());
    }
  }

 private:
  static constexpr int64_t kHourUs = 3'600'000'000;

  TimeUs newest() const {
    TimeUs time = issue_.matches.front().time;
    for (const NaiveMatch& match : issue_.matches) time = std::max(time, match.time);
    return time;
  }
  TimeUs oldest() const {
    TimeUs time = issue_.matches.front().time;
    for (const NaiveMatch& match : issue_.matches) time = std::min(time, match.time);
    return time;
  }
  int64_t users() const {
    std::set<std::string> users;
    for (const NaiveMatch& match : issue_.matches) users.insert(match.user);
    users.erase("");
    return static_cast<int64_t>(users.size());
  }
  int64_t age(TimeUs time) const { return std::max<int64_t>(0, raw(now_) - raw(time)); }
  double younger_than(int64_t hours) const {
    return static_cast<double>(
        std::count_if(issue_.matches.begin(), issue_.matches.end(),
                      [&](const NaiveMatch& match) { return age(match.time) < hours * kHourUs; }));
  }

  int64_t trends() const {
    const double first_hours = static_cast<double>(age(oldest())) / kHourUs;
    const double issue = std::max(0.01, std::exp2(-std::min(16.0, first_hours / 12)));
    int64_t sum = 0;  // in 2^-32
    for (const NaiveMatch& match : issue_.matches) {
      const int64_t minutes = age(match.time) / 60'000'000;
      if (minutes < 132 * 60) {
        sum += std::llround(std::exp2(32 - static_cast<double>(minutes) / 240));
      }
    }
    const double events = std::max(0.01, std::log1p(static_cast<double>(sum) / std::exp2(32)));
    const double volume = std::max(0.01, 0.1 * younger_than(1) / (younger_than(7 * 24) + 1));
    return std::llround(issue * events * volume * 1e12);
  }

  int64_t recommended() const {
    const auto millionths = [](double signal) { return std::llround(std::min(1.0, signal) * 1e6); };
    double level = 0;
    for (const NaiveMatch& match : issue_.matches) {
      if (match.level == "fatal") level = std::max(level, 3.0 / 3);
      if (match.level == "error") level = std::max(level, 2.0 / 3);
      if (match.level == "warning") level = std::max(level, 1.0 / 3);
    }
    const double count = static_cast<double>(issue_.matches.size());
    const double type = issue_.type_priority == 75 ? 1 : issue_.type_priority == 50 ? 0.5 : 0;
    return 30 * millionths(std::exp2(-static_cast<double>(age(newest())) / kHourUs / 24)) +
           20 * millionths(younger_than(6) / (younger_than(72) + 1)) + 15 * millionths(level) +
           15 * millionths(std::log1p(static_cast<double>(users())) / std::log1p(1000.0)) +
           10 * millionths(std::log1p(count) / std::log1p(10000.0)) + 10 * millionths(type);
  }

  const NaiveIssue& issue_;
  const TimeUs now_;
};

// Ids, the first of the list first.
inline std::vector<GroupId> in_naive_order(const std::vector<NaiveIssue>& issues, query::Sort sort,
                                           TimeUs now) {
  std::vector<std::pair<int64_t, uint32_t>> keys;
  for (const NaiveIssue& issue : issues) {
    keys.emplace_back(NaiveSort(issue, now).key(sort), raw(issue.id));
  }
  std::sort(keys.rbegin(), keys.rend());
  std::vector<GroupId> ids;
  for (const auto& [key, id] : keys) ids.push_back(GroupId{id});
  return ids;
}

inline constexpr uint64_t kSorts = 7;
// As queries name them, by Sort.
inline constexpr const char* kSortNames[kSorts] = {"date",   "new",         "freq",    "user",
                                                   "trends", "recommended", "priority"};

}  // namespace cairn::testing
