#include "server/frame_guard.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using cairn::server::FrameGuard;

namespace {

void add_number(std::vector<uint8_t>& out, uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<uint8_t>(number >> shift));
}

// A message of segments with so many words each.
std::vector<uint8_t> message(const std::vector<uint32_t>& segments) {
  std::vector<uint8_t> out;
  add_number(out, static_cast<uint32_t>(segments.size()) - 1);
  for (const uint32_t words : segments) add_number(out, words);
  if (segments.size() % 2 == 0) add_number(out, 0);
  for (const uint32_t words : segments) out.resize(out.size() + size_t{words} * 8, 0xAB);
  return out;
}

}  // namespace

TEST_CASE("messages of any pieces end where they end") {
  std::mt19937 random(20261129);
  FrameGuard guard(1 << 20);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint32_t> segments(1 + random() % 5);
    for (auto& words : segments) words = static_cast<uint32_t>(random() % 40);
    const std::vector<uint8_t> bytes = message(segments);
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = std::min<size_t>(1 + random() % 30, bytes.size() - at);
      guard.saw(bytes.data() + at, size);
      at += size;
      CHECK(guard.in_message() == (at < bytes.size()));
    }
    REQUIRE_FALSE(guard.refused());
  }
}

TEST_CASE("a message is refused by what its table says") {
  FrameGuard guard(800);
  const auto fits = message({60, 40});
  guard.saw(fits.data(), fits.size());
  CHECK_FALSE(guard.refused());
  std::vector<uint8_t> large;
  add_number(large, 1);
  add_number(large, 60);
  add_number(large, 41);
  guard.saw(large.data(), large.size());
  CHECK(guard.refused());

  FrameGuard many(1 << 30);
  std::vector<uint8_t> segments;
  add_number(segments, 512);
  many.saw(segments.data(), segments.size());
  CHECK(many.refused());

  FrameGuard overflowing(1 << 30);
  std::vector<uint8_t> huge;
  add_number(huge, 511);
  for (int i = 0; i < 512; ++i) add_number(huge, 0xFFFFFFFF);
  overflowing.saw(huge.data(), huge.size());
  CHECK(overflowing.refused());
}

TEST_CASE("a limit that is raised holds from the next number on") {
  FrameGuard guard(8);
  guard.set_limit(1600);
  const auto bytes = message({200});
  guard.saw(bytes.data(), bytes.size());
  CHECK_FALSE(guard.refused());
  CHECK_FALSE(guard.in_message());
}
