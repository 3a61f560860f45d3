// The releases of one project, by when they came. A value.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace cairn::model {

// Versions longer than this are no release (the field's own limit).
inline constexpr size_t kMaxReleaseBytes = 250;
// Of one project; occurrences of further ones are kept, but their releases are not registered.
inline constexpr uint32_t kMaxReleases = 100'000;
inline constexpr size_t kMaxReleaseCommits = 10'000;
inline constexpr size_t kMaxCommitBytes = 64;

struct Release {
  ProjectId project{};
  uint32_t number = 0;  // of the project's releases, from 1, in order of registering
  std::string version;
  TimeUs date{};                     // given, else when it was first heard of
  std::vector<std::string> commits;  // in order of naming
  bool operator==(const Release&) const = default;
};

class Releases {
 public:
  const std::vector<Release>& all() const { return all_; }  // by number
  const Release* find(std::string_view version) const;
  // The first release by number that has the commit, whichever was told first; nullptr: none.
  const Release* with_commit(std::string_view commit) const;
  // Newest first: by date, then by number.
  std::vector<const Release*> newest(size_t count) const;

  // Precondition: no other one has that version; its number is the next.
  void add(Release release);
  // Replaces date and commits of the release of that number.
  void change(Release release);

 private:
  void index(const Release& release);

  std::vector<Release> all_;
  std::map<std::string, uint32_t, std::less<>> by_version_;
  std::map<std::string, uint32_t, std::less<>> by_commit_;
  std::map<std::pair<TimeUs, uint32_t>, uint32_t> by_date_;
};

}  // namespace cairn::model
