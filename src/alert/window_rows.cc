// Windows as bytes: docs/format.md, "Alert windows". Indexes of buckets are told from floor().
//
//   buckets << 2 | late? << 1 | lost?  |  late  |  lost: begin, length  |  each bucket
//   bucket: steps to its index from the one before it  |  what was counted
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "alert/keyed_windows.h"
#include "alert/window.h"
#include "storage/coding.h"

namespace cairn::alert {
namespace {

using storage::RowReader;
using storage::RowWriter;

constexpr uint64_t kHasLate = 2;
constexpr uint64_t kHasLost = 1;
constexpr int kBucketsShift = 2;

constexpr auto kTimes = std::numeric_limits<int64_t>();
constexpr int64_t kNoFloor = kTimes.min();

// Differences of indexes are taken modulo 2^64, so that any two have one, and each is checked where
// it leads to.
int64_t difference(int64_t to, int64_t from) {
  return static_cast<int64_t>(static_cast<uint64_t>(to) - static_cast<uint64_t>(from));
}
int64_t sum(int64_t from, uint64_t steps) {
  return static_cast<int64_t>(static_cast<uint64_t>(from) + steps);
}

void save_number(RowWriter& out, double number) { out.integer(std::bit_cast<uint64_t>(number)); }
double load_number(RowReader& in) { return std::bit_cast<double>(in.integer<uint64_t>()); }

// A number of things that take at least so many bytes each; nothing where there cannot be as many.
uint64_t load_size(RowReader& in, size_t bytes_each) {
  const uint64_t size = in.varint();
  if (size <= in.remaining() / bytes_each) return size;
  in.fail();
  return 0;
}

}  // namespace

// What was counted in a bucket. `room` falls as charge() grows. False: no bucket can be so, or
// there is no room for it; where the bytes end early the reader knows.
struct Window::Rows {
  static int64_t base(const Window& window) {
    return window.floor_ == kNoFloor ? 0 : window.floor_;
  }
  static bool can_hold(const Window& window, int64_t index) {
    return index >= window.floor_ && index >= window.index_of(TimeUs{kTimes.min()}) &&
           index <= window.index_of(TimeUs{kTimes.max()});
  }
  // False: so many values or numbers more are too many.
  static bool keep(Window& window, uint64_t more, size_t bytes_each, size_t& room) {
    if (more > kMaxKept - window.kept_ || more > room / bytes_each) return false;
    window.kept_ += static_cast<uint32_t>(more);
    room -= more * bytes_each;
    return true;
  }

  static void save(RowWriter& out, const Counts& bucket) { out.varint(bucket.count); }
  static bool load(RowReader& in, Window&, Counts& bucket, size_t&) {
    bucket.count = in.varint();
    return bucket.count > 0;
  }

  static void save(RowWriter& out, const Sums& bucket) {
    out.varint(bucket.count);
    for (const double number : {bucket.sum, bucket.min, bucket.max}) save_number(out, number);
  }
  static bool load(RowReader& in, Window&, Sums& bucket, size_t&) {
    bucket.count = in.varint();
    for (double* number : {&bucket.sum, &bucket.min, &bucket.max}) *number = load_number(in);
    return bucket.count > 0 && bucket.min <= bucket.max;  // so neither is NaN
  }

  // By value, so that the same values are the same bytes.
  static void save(RowWriter& out, const Values& bucket) {
    std::vector<std::pair<uint64_t, uint32_t>> sorted;
    sorted.reserve(bucket.tally.size());
    bucket.tally.for_each(
        [&](uint64_t value, uint32_t count) { sorted.emplace_back(value, count); });
    std::sort(sorted.begin(), sorted.end());
    out.varint(sorted.size());
    uint64_t before = 0;
    for (const auto& [value, count] : sorted) {
      out.varint(value - before).varint(count);
      before = value;
    }
  }
  static bool load(RowReader& in, Window& window, Values& bucket, size_t& room) {
    const uint64_t size = load_size(in, 2);
    if (!keep(window, size, window.value_bytes(), room)) return false;
    uint64_t value = 0;
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t next = value + in.varint();
      const uint64_t count = in.varint();
      if ((i > 0 && next <= value) || count == 0 || count > UINT32_MAX) return false;
      value = next;
      bucket.tally.add(value, static_cast<uint32_t>(count));
    }
    return true;
  }

  // As they came.
  static void save(RowWriter& out, const Numbers& bucket) {
    out.varint(bucket.numbers.size());
    for (const double number : bucket.numbers) save_number(out, number);
  }
  static bool load(RowReader& in, Window& window, Numbers& bucket, size_t& room) {
    const uint64_t size = load_size(in, sizeof(double));
    if (!keep(window, size, kNumberBytes, room)) return false;
    bucket.numbers.resize(size);
    for (double& number : bucket.numbers) {
      number = load_number(in);
      if (std::isnan(number)) return false;  // it has no place in an order
    }
    return true;
  }

  template <class Bucket>
  static bool load(RowReader& in, Window& window, Ring<Bucket>& ring, uint64_t size, size_t room) {
    // A step and a count take a byte each.
    if (size > in.remaining() / 2 || size > room / kBucketBytes<Bucket>) return false;
    room -= size * kBucketBytes<Bucket>;
    ring.clear();
    ring.reserve(size);
    int64_t before = base(window);
    for (uint64_t i = 0; i < size; ++i) {
      Bucket bucket{};
      bucket.index =
          i == 0 ? sum(before, static_cast<uint64_t>(in.zigzag())) : sum(before, in.varint());
      if (i == 0 ? !can_hold(window, bucket.index) : bucket.index <= before) return false;
      if (!load(in, window, bucket, room)) return false;
      before = bucket.index;
      ring.push_back(std::move(bucket));
    }
    return size == 0 || can_hold(window, before);
  }
};

std::optional<int64_t> Window::floor() const {
  if (floor_ == kNoFloor) return std::nullopt;
  return floor_;
}

void Window::save(RowWriter& out) const {
  const int64_t base = Rows::base(*this);
  std::visit(
      [&](const auto& ring) {
        out.varint(uint64_t{ring.size()} << kBucketsShift | (late_ > 0 ? kHasLate : 0) |
                   (lost_.empty() ? 0 : kHasLost));
        if (late_ > 0) out.varint(late_);
        if (!lost_.empty()) {
          out.zigzag(difference(lost_.begin, base))
              .varint(static_cast<uint64_t>(lost_.end - lost_.begin));
        }
        for (size_t i = 0; i < ring.size(); ++i) {
          if (i == 0) out.zigzag(difference(ring[i].index, base));
          if (i > 0) out.varint(static_cast<uint64_t>(ring[i].index - ring[i - 1].index));
          Rows::save(out, ring[i]);
        }
      },
      rings_);
}

bool Window::load(RowReader& in, std::optional<int64_t> floor, size_t room) {
  if (floor && (*floor < floor_at(TimeUs{kTimes.min()}) || *floor > floor_at(TimeUs{kTimes.max()})))
    return false;
  floor_ = floor.value_or(kNoFloor);
  kept_ = 0;
  late_ = 0;
  lost_ = {};
  for (Roll& roll : rolls_) roll = {};
  const uint64_t head = in.varint();
  if ((head & kHasLate) != 0) {
    const uint64_t late = in.varint();
    if (late == 0 || late > UINT32_MAX) return false;
    late_ = static_cast<uint32_t>(late);
  }
  if ((head & kHasLost) != 0) {
    lost_.begin = sum(Rows::base(*this), static_cast<uint64_t>(in.zigzag()));
    const uint64_t length = in.varint();
    lost_.end = sum(lost_.begin, length);
    if (length == 0 || lost_.end <= lost_.begin) return false;
    if (!Rows::can_hold(*this, lost_.begin) || !Rows::can_hold(*this, lost_.end - 1)) return false;
  }
  const size_t own = rolls_.size() * kRollBytes;
  if (own > room) return false;
  return std::visit(
             [&](auto& ring) {
               return Rows::load(in, *this, ring, head >> kBucketsShift, room - own);
             },
             rings_) &&
         in.ok();
}

bool KeyedWindows::load_none(RowReader& in, std::optional<int64_t> floor, uint64_t refused) {
  refused_ = refused;
  // No room for a bucket: it counts nothing.
  return none_.load(in, floor, none_.charge()) && none_.late() == 0;
}

bool KeyedWindows::load_key(RowReader& in, const WindowKey& key, size_t key_bytes) {
  if (!windows_.empty() && key <= windows_.rbegin()->first) return false;
  const size_t own = kNodeBytes + sizeof(Entry) + key_bytes;
  if (own > room()) return false;
  Entry fresh{none_, static_cast<uint32_t>(own), 0};
  if (!fresh.window.load(in, none_.floor(), room() - own)) return false;
  // advance() takes such a one along, and add() makes none.
  if (fresh.window.is_blank()) return false;
  charge(windows_.emplace_hint(windows_.end(), key, std::move(fresh))->second);
  return true;
}

}  // namespace cairn::alert
