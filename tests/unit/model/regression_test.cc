// Which occurrences a resolution covers: a table of releases and orders.
#include "model/regression.h"

#include <catch2/catch.hpp>
#include <initializer_list>
#include <string>
#include <vector>

#include "support/fold.h"

using namespace cairn;
using namespace cairn::model;
using namespace cairn::testing;

namespace {

struct Known {
  std::string version;
  int64_t day;
  std::string commit = "";
};

Releases releases(const std::vector<Known>& known) {
  Releases out;
  for (const Known& one : known) {
    Release release;
    release.project = kShop;
    release.number = static_cast<uint32_t>(out.all().size() + 1);
    release.version = one.version;
    release.date = at_second(one.day * 86'400);
    if (!one.commit.empty()) release.commits.push_back(one.commit);
    out.add(std::move(release));
  }
  return out;
}

const std::vector<Known> kSemver = {{"shop@1.0.0", 1},
                                    {"shop@1.1.0", 2},
                                    {"shop@1.1.1", 3},
                                    {"shop@2.0.0", 4, "c0ffee"},
                                    {"shop@1.2.0", 5}};
const std::vector<Known> kDated = {{"monday", 1}, {"tuesday", 2}, {"wednesday", 3, "beef"}};
const std::vector<Known> kNone = {};

struct Case {
  const std::vector<Known>* known;
  ResolutionKind kind;
  std::string version;
  const char* release;  // nullptr: none
  bool covered;
};

using enum ResolutionKind;

const std::vector<Case> kCases = {
    // Without a resolution row nothing is covered, whatever the release.
    {&kSemver, Now, "", nullptr, false},
    {&kSemver, Now, "", "shop@1.0.0", false},
    {&kDated, Now, "", "monday", false},
    // No release on the occurrence: covered.
    {&kSemver, InRelease, "shop@1.1.0", nullptr, true},
    {&kSemver, InRelease, "shop@1.1.0", "", true},
    {&kSemver, InNextRelease, "shop@1.1.0", nullptr, true},
    {&kSemver, InCommit, "c0ffee", nullptr, true},
    {&kDated, InRelease, "tuesday", nullptr, true},
    // In a release, by version: older ones are covered, the release itself is not.
    {&kSemver, InRelease, "shop@1.1.0", "shop@1.0.0", true},
    {&kSemver, InRelease, "shop@1.1.0", "shop@1.1.0", false},
    {&kSemver, InRelease, "shop@1.1.0", "shop@1.1.1", false},
    {&kSemver, InRelease, "shop@2.0.0", "shop@1.2.0", true},   // newer by date, older by version
    {&kSemver, InRelease, "shop@1.2.0", "shop@2.0.0", false},  // the other way round
    {&kSemver, InRelease, "shop@1.1.0", "shop@1.1.0-rc.1", true},
    {&kSemver, InRelease, "shop@1.1.0-rc.1", "shop@1.1.0", false},
    {&kSemver, InRelease, "shop@1.10.0", "shop@1.9.9", true},      // by number, not by text
    {&kSemver, InRelease, "shop@3.0.0", "shop@2.9.0", true},       // neither is registered
    {&kSemver, InRelease, "shop@1.1.0+7", "shop@1.1.0+9", false},  // a build is no order
    // In a release, by date, where names tell no order.
    {&kDated, InRelease, "tuesday", "monday", true},
    {&kDated, InRelease, "tuesday", "tuesday", false},
    {&kDated, InRelease, "tuesday", "wednesday", false},
    {&kDated, InRelease, "tuesday", "someday", false},  // not registered: of now
    {&kDated, InRelease, "wednesday", "monday", true},
    {&kSemver, InRelease, "shop@1.1.0", "deadbeef", false},  // no version: by date, of now
    // In the next release: that one and older ones are covered.
    {&kSemver, InNextRelease, "shop@1.1.0", "shop@1.1.0", true},
    {&kSemver, InNextRelease, "shop@1.1.0", "shop@1.0.0", true},
    {&kSemver, InNextRelease, "shop@1.1.0", "shop@1.1.1", false},
    {&kSemver, InNextRelease, "shop@2.0.0", "shop@1.2.0", true},
    {&kSemver, InNextRelease, "shop@2.0.0", "shop@2.0.1", false},
    {&kDated, InNextRelease, "tuesday", "tuesday", true},
    {&kDated, InNextRelease, "tuesday", "monday", true},
    {&kDated, InNextRelease, "tuesday", "wednesday", false},
    // There was no release when it was said: the first one is the next.
    {&kNone, InNextRelease, "", "shop@1.0.0", false},
    {&kNone, InNextRelease, "", nullptr, true},
    // In a commit: everything, until a release has it.
    {&kNone, InCommit, "c0ffee", "shop@1.0.0", true},
    {&kSemver, InCommit, "nowhere", "shop@2.0.0", true},
    {&kSemver, InCommit, "c0ffee", "shop@1.1.1", true},
    {&kSemver, InCommit, "c0ffee", "shop@2.0.0", false},
    {&kSemver, InCommit, "c0ffee", "shop@2.0.1", false},
    {&kDated, InCommit, "beef", "monday", true},
    {&kDated, InCommit, "beef", "wednesday", false},
};

}  // namespace

TEST_CASE("what a resolution covers, by table") {
  const TimeUs now = at_second(100 * 86'400);
  for (const Case& one : kCases) {
    INFO(resolution_name(one.kind) << " '" << one.version << "', occurrence of "
                                   << (one.release == nullptr ? "no release" : one.release));
    std::optional<std::string_view> release;
    if (one.release != nullptr) release = one.release;
    CHECK(covers({one.kind, one.version}, release, releases(*one.known), now) == one.covered);
  }
  CHECK(kCases.size() >= 30);
}

TEST_CASE("releases are found by version, commit and date") {
  Releases known = releases(kSemver);
  CHECK(known.find("shop@1.1.0")->number == 2);
  CHECK(known.find("shop@9") == nullptr);
  CHECK(known.with_commit("c0ffee")->version == "shop@2.0.0");
  CHECK(known.with_commit("beef") == nullptr);
  REQUIRE(known.newest(2).size() == 2);
  CHECK(known.newest(2)[0]->version == "shop@1.2.0");
  CHECK(known.newest(2)[1]->version == "shop@2.0.0");
  CHECK(known.newest(99).size() == 5);

  Release later = *known.find("shop@1.0.0");
  later.date = at_second(9 * 86'400);
  later.commits = {"beef", "c0ffee"};
  known.change(later);
  CHECK(known.newest(1)[0]->version == "shop@1.0.0");
  CHECK(known.newest(99).size() == 5);
  CHECK(known.with_commit("beef")->version == "shop@1.0.0");
  // The first registered of those that have it, whichever was told of it first.
  CHECK(known.with_commit("c0ffee")->version == "shop@1.0.0");
}
