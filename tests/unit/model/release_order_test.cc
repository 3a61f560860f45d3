#include "model/release_order.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace cairn::model;

namespace {

struct Reading {
  std::string_view name;
  std::string_view package;
  std::vector<uint64_t> numbers;  // four
  std::string_view prerelease = "";
  std::string_view build = "";
};

std::vector<uint64_t> numbers_of(const ReleaseVersion& version) {
  return {version.major, version.minor, version.patch, version.revision};
}

// A project's releases, newest first, in one word: v for a version, h for a hash.
std::vector<std::string_view> named(std::string_view scheme) {
  std::vector<std::string_view> names;
  for (const char c : scheme) names.push_back(c == 'v' ? "shop@1.2.3" : "shop@6f85d2f");
  return names;
}

}  // namespace

TEST_CASE("releases: what is a version") {
  const std::vector<Reading> readings = {
      {"shop@1.2.3", "shop", {1, 2, 3, 0}},
      {"shop@1", "shop", {1, 0, 0, 0}},
      {"shop@1.2", "shop", {1, 2, 0, 0}},
      {"shop@1.2.3.4", "shop", {1, 2, 3, 4}},
      {"1.2", "", {1, 2, 0, 0}},
      {"1.2.3-rc.1+77", "", {1, 2, 3, 0}, "rc.1", "77"},
      {"  1.2.3\n", "", {1, 2, 3, 0}},
      {"@foo.bar.baz--blah@1.2.3-dev+BUILD-code",
       "@foo.bar.baz--blah",
       {1, 2, 3, 0},
       "dev",
       "BUILD-code"},
      {"@scope/package@2.0.0", "@scope/package", {2, 0, 0, 0}},
      {"org.example.FooApp@1.0rc1+20200101100",
       "org.example.FooApp",
       {1, 0, 0, 0},
       "rc1",
       "20200101100"},
      {"a package@1.0a+x", "a package", {1, 0, 0, 0}, "a", "x"},
      {"shop@1.0a.b", "shop", {1, 0, 0, 0}, "a.b"},
      {"shop@1.0dev1", "shop", {1, 0, 0, 0}, "dev1"},
      {"shop@0.0.0.4bfe251b96", "shop", {0, 0, 0, 4}, "bfe251b96"},
      {"com.foogame.FooGame@7211+7211", "com.foogame.FooGame", {7211, 0, 0, 0}, "", "7211"},
      {"some-api@2020.2-1.2.3", "some-api", {2020, 2, 0, 0}, "1.2.3"},
      {"some-api@1.0-1234", "some-api", {1, 0, 0, 0}, "1234"},
      {"shop@1-a1", "shop", {1, 0, 0, 0}, "a1"},
      {"foo@01.02.003.4-alpha+1234", "foo", {1, 2, 3, 4}, "alpha", "1234"},
      {"shop@1.0.0-0", "shop", {1, 0, 0, 0}, "0"},
      {"shop@1.0.0-0a", "shop", {1, 0, 0, 0}, "0a"},
      {"shop@1.0.0--", "shop", {1, 0, 0, 0}, "-"},
      {"shop@2026.11.21", "shop", {2026, 11, 21, 0}},
      {"shop@9223372036854775807.1", "shop", {9223372036854775807u, 1, 0, 0}},
      {"shop@00000000000000000000001.2", "shop", {1, 2, 0, 0}},
      {"shop@1.2.3+085240e737828d8326719bf97730188e927e49ca",
       "shop",
       {1, 2, 3, 0},
       "",
       "085240e737828d8326719bf97730188e927e49ca"},
  };
  for (const Reading& expected : readings) {
    INFO(expected.name);
    const auto version = parse_release(expected.name);
    REQUIRE(version);
    CHECK(version->package == expected.package);
    CHECK(numbers_of(*version) == expected.numbers);
    CHECK(version->prerelease == expected.prerelease);
    CHECK(version->build == expected.build);
  }
}

TEST_CASE("releases: what is no version") {
  for (const std::string_view name : {
           "",
           " ",
           "@",
           "@@",
           "shop@",
           "@1.2.3",
           "a@b@1.2.3",
           "@@shop@1.2.3",
           "latest",
           ".",
           "..",
           "1",
           "1234",
           "20261121",
           "2026-11-21",
           "2026-11-21T10:00:00Z",          // without a package
           "some-api@2020.05.26-01.38.42",  // a zero in front
           "6f85d2f",
           "hackweek@6f85d2f",
           "shop@1a1",
           "085240e737828d8326719bf97730188e927e49ca",
           "package@085240e737828d8326719bf97730188e927e49ca",  // hashes
           "foo@20210505090610352561",
           "foo@123456789012",  // as long as hashes
           "v1.2.3",
           "shop@v1.2.3",
           "shop@1.2.3.4.5",
           "shop@1.",
           "shop@.1",
           "shop@1..2",
           "shop@1.2.",
           "shop@-1.2",
           "shop@+1.2",
           "shop@1.2 3",
           "shop@1.2.x",
           "shop@1.*",
           "shop@1.0RC1",
           "shop@1.0_1",
           "shop@1.0-",
           "shop@1.0-a..b",
           "shop@1.0-01",
           "shop@1.0-1.02",
           "shop@1.0a01",
           "shop@1.0-a_b",
           "shop@1.0+",
           "shop@1.0+a+b",
           "shop@1.0+a..b",
           "shop@1.0+\xc3\xa9",
           "shop@9223372036854775808.0",
           "shop@1.18446744073709551616",
           "shop@1.99999999999999999999999999999999999999999999999999",
       }) {
    INFO(name);
    CHECK_FALSE(parse_release(name));
  }
}

TEST_CASE("releases: a version alone may be one number, as people write to compare with") {
  CHECK(parse_version("2")->major == 2);
  CHECK(parse_version(" 2.1 ")->minor == 1);
  CHECK(parse_version("1-rc.1")->prerelease == "rc.1");
  CHECK_FALSE(parse_version("shop@2"));
  CHECK_FALSE(parse_version("123456789012"));
  CHECK_FALSE(parse_version(""));
}

TEST_CASE("releases: their order") {
  const std::vector<std::string_view> ascending = {
      "shop@0.0.0-alpha", "shop@0.0",       "shop@0.9",        "shop@1.0-1",
      "shop@1.0-10",      "shop@1.0-2",  // text, not numbers
      "shop@1.0-RC",      "shop@1.0alpha1", "shop@1.0-alpha2", "shop@1.0-beta",
      "shop@1.0-rc.10",   "shop@1.0-rc.2",  "shop@1.0rc1",     "shop@1.0",
      "shop@1.0.0.1-a",   "shop@1.0.0.1",   "shop@1.0.1",      "shop@1.2",
      "shop@1.10",        "shop@2",         "shop@10",         "shop@9223372036854775807"};
  for (size_t i = 0; i < ascending.size(); ++i) {
    for (size_t j = 0; j < ascending.size(); ++j) {
      INFO(ascending[i] << " and " << ascending[j]);
      const auto order = compare(*parse_release(ascending[i]), *parse_release(ascending[j]));
      CHECK((order < 0) == (i < j));
      CHECK((order == 0) == (i == j));
    }
  }
}

TEST_CASE("releases: package, build and how it is written are no part of the order") {
  for (const std::string_view other :
       {"1.2.0", "shop@1.2", "web@1.2", "1.2+7", "1.2+8", "01.002.0.00"}) {
    INFO(other);
    CHECK((compare(*parse_release("1.2"), *parse_release(other)) == 0));
  }
  CHECK((compare(*parse_release("1.0rc1"), *parse_release("1.0.0-rc1")) == 0));
}

TEST_CASE("releases: whether a project names them by version") {
  struct Case {
    std::string_view newest_first;
    bool versions;
  };
  for (const Case& expected : std::vector<Case>{
           {"", false},
           {"v", true},
           {"h", false},
           {"vh", true},
           {"hv", false},  // of two the newest
           {"vvv", true},
           {"hhv", true},  // of three to nine one of the last three
           {"hhh", false},
           {"hhhv", false},
           {"hhvhhhhhh", true},
           {"hhhvvvvvv", false},
           {"vvvhhhhhhh", true},  // of ten also three of the last ten
           {"vhhhhhhhvv", true},
           {"vvhhhhhhhh", false},
           {"hhvhhhhhhh", false},
           {"hhvhhhhhvv", true},
           {"hhhvvvvvvv", false},
           {"vhhhhhhhhvvvvvv", false},  // the eleventh does not count
           {"vhhhhhhhvvhhhhh", true},
       }) {
    INFO(expected.newest_first);
    const auto names = named(expected.newest_first);
    CHECK(names_versions(names) == expected.versions);
    CHECK(follows_semver(names, "shop@2.0.0") == expected.versions);
    CHECK(follows_semver(names, "1.0") == expected.versions);
    CHECK_FALSE(follows_semver(names, "6f85d2f"));
    CHECK_FALSE(follows_semver(names, ""));
  }
}
