#include "model/link_codec.h"

#include <catch2/catch.hpp>
#include <random>

using namespace cairn;
using namespace cairn::model;

TEST_CASE("links come back from their bytes") {
  const std::vector<Merged> links = {{ProjectId{1}, 5, {6, 7, 1}},
                                     {ProjectId{1}, 4, {4294967295u}},
                                     {ProjectId{1ull << 62}, 1, {2}}};
  const std::string bytes = pack_links(links);
  std::vector<Merged> back;
  REQUIRE(unpack_links(bytes, back));
  CHECK(back == links);
  // Neighbours take a byte each.
  std::vector<Unmerged> many;
  for (uint32_t n = 0; n < 1000; ++n) many.push_back({ProjectId{1}, 2 * n + 1, {2 * n + 2}});
  CHECK(pack_links(many).size() < 4100);
  std::vector<Unmerged> many_back;
  REQUIRE(unpack_links(pack_links(many), many_back));
  CHECK(many_back == many);
}

TEST_CASE("bytes that are no links are refused, however they are cut or changed") {
  const std::vector<Merged> links = {{ProjectId{3}, 5, {6, 700, 1}}, {ProjectId{3}, 900, {2, 3}}};
  const std::string bytes = pack_links(links);
  std::vector<Merged> out;
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(unpack_links(std::string_view(bytes).substr(0, size), out));
  }
  CHECK_FALSE(unpack_links(bytes + "x", out));
  // Counts far beyond what there is take no memory.
  CHECK_FALSE(unpack_links(std::string("\xff\xff\xff\xff\x7f\x01\x01\x01", 8), out));
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    if (!unpack_links(damaged, out)) continue;
    for (const Merged& link : out) {
      CHECK(link.primary >= 1);
      CHECK_FALSE(link.children.empty());
    }
  }
}
