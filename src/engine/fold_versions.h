// What is folded, as one writer and many readers share it. A reader holds the newest version for as
// long as it reads; the writer folds into the newest version while nobody holds it. Who holds it
// for longer than a copy takes keeps it to himself: the writer goes on in a copy, which is the
// newest from then on. So neither waits for the other for long, and as long as all are quick
// nothing is copied.
//
// Ownership: a version lives as long as it is the newest or somebody holds it. Thread: hold() and
// the Holds from any; the rest as said.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/materializer.h"

namespace cairn::engine {

class FoldVersions {
  struct Version;

 public:
  // Each is a copy of the whole state: so many may be read beside the newest.
  static constexpr size_t kMostOlder = 3;

  // A reader's. Moves; an empty one holds nothing.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&&) noexcept = default;
    Hold& operator=(Hold&& other) noexcept {
      let_go();
      version_ = std::move(other.version_);
      return *this;
    }
    ~Hold() { let_go(); }
    const Materializer& fold() const;

   private:
    friend class FoldVersions;
    explicit Hold(std::shared_ptr<Version> version) : version_(std::move(version)) {}
    void let_go();
    std::shared_ptr<Version> version_;
  };

  FoldVersions();
  ~FoldVersions();

  // For who folds, or knows that nobody does.
  Materializer& newest();
  const Materializer& newest() const;
  // Keeps the newest version alive, but not from being changed: what is fixed in it may be used.
  std::shared_ptr<const Materializer> share_newest() const;

  // Precondition: nobody folds, or replaces the newest.
  Hold hold() const;

  // Whether nobody holds the newest version any more, after waiting for so long at most.
  bool wait_until_unread(std::chrono::microseconds longest) const;
  // How long it is worth waiting for that before a copy is made.
  std::chrono::microseconds worth_waiting() const;
  // Makes the copy to go on in; false: there are too many older versions, or there was no memory a
  // moment ago. Precondition: nobody folds meanwhile; others may come to hold the newest.
  bool copy_newest();
  // That copy is the newest now. Precondition: as of hold().
  void go_on_in_copy() noexcept;

  // Versions that are read beside the newest, and copies made so far. From any thread.
  size_t older() const;
  uint64_t copies() const;

 private:
  std::shared_ptr<Version> newest_;
  std::shared_ptr<Version> copy_;
  std::chrono::microseconds copy_time_{0};  // of the last one
  std::chrono::steady_clock::time_point no_copy_before_{};
  mutable std::mutex mutex_;  // guards what follows
  mutable std::vector<std::weak_ptr<Version>> older_;
  uint64_t copies_ = 0;
};

}  // namespace cairn::engine
