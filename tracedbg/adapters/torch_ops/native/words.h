// The tensors that an op is given, in words: `Float[32, 64], Long[4]`. Looks at nothing that could call
// Python, or wait for a device.
#pragma once

#include <ATen/core/ivalue.h>
#include <c10/core/ScalarTypeToTypeMeta.h>
#include <c10/core/TensorImpl.h>

#include <string>

#include "tables.h"

namespace tracedbg {

constexpr int kMaxTensors = 8, kMaxDims = 8;

// Visits the tensors among `inputs`, and those in lists; null for an undefined one.
template <class Visit>
void each_tensor(c10::ArrayRef<const c10::IValue> inputs, Visit&& visit) {
  for (const auto& value : inputs) {
    if (value.isTensor()) {
      visit(value.unsafeToTensorImpl());
    } else if (value.isTensorList()) {
      for (const at::Tensor& one : value.toTensorList()) visit(one.unsafeGetTensorImpl());
    } else if (value.isList()) {
      for (const auto& one : value.toListRef())
        if (one.isTensor()) visit(one.unsafeToTensorImpl());
    }
  }
}

inline bool has_plain_sizes(const c10::TensorImpl* tensor) {
  return !tensor->has_symbolic_sizes_strides() && !tensor->is_nested();
}

// 0 where there are no tensors.
inline uint64_t hash_of(c10::ArrayRef<const c10::IValue> inputs) {
  uint64_t hash = 0;
  each_tensor(inputs, [&](const c10::TensorImpl* tensor) {
    if (tensor == nullptr || tensor == c10::UndefinedTensorImpl::singleton()) return;
    hash = mixed(hash + 1, static_cast<uint64_t>(c10::typeMetaToScalarType(tensor->dtype())) + 1);
    if (!has_plain_sizes(tensor)) return;
    for (int64_t size : tensor->sizes_default()) hash = mixed(hash + 2, static_cast<uint64_t>(size));
  });
  return hash;
}

inline void put_words(c10::ArrayRef<const c10::IValue> inputs, std::string& words) {
  int count = 0;
  each_tensor(inputs, [&](const c10::TensorImpl* tensor) {
    if (tensor == nullptr || tensor == c10::UndefinedTensorImpl::singleton()) return;
    if (++count > kMaxTensors) return;
    if (count > 1) words += ", ";
    words += c10::toString(c10::typeMetaToScalarType(tensor->dtype()));
    if (tensor->is_nested()) {
      words += "[nested]";
    } else if (!has_plain_sizes(tensor)) {
      words += "[symbolic]";
    } else {
      words += '[';
      int dims = 0;
      for (int64_t size : tensor->sizes_default()) {
        if (dims++ > 0) words += ", ";
        if (dims > kMaxDims) {
          words += "...";
          break;
        }
        words += std::to_string(size);
      }
      words += ']';
    }
  });
  if (count > kMaxTensors) words += ", and " + std::to_string(count - kMaxTensors) + " more";
}

inline bool is_on_host(const c10::TensorImpl* tensor) {
  return tensor->device_type() == c10::DeviceType::CPU || tensor->device_type() == c10::DeviceType::Meta;
}

inline bool is_on_host(c10::ArrayRef<const c10::IValue> inputs) {
  bool is_host = true;
  each_tensor(inputs, [&](const c10::TensorImpl* tensor) {
    if (tensor != nullptr && tensor != c10::UndefinedTensorImpl::singleton()) is_host = is_host && is_on_host(tensor);
  });
  return is_host;
}

// Of `copy_(self, source, non_blocking)`: whether the host waits for a device.
inline bool is_copy_to_host(c10::ArrayRef<const c10::IValue> inputs) {
  if (inputs.size() < 2 || !inputs[0].isTensor() || !inputs[1].isTensor()) return false;
  const auto *to = inputs[0].unsafeToTensorImpl(), *from = inputs[1].unsafeToTensorImpl();
  if (to == c10::UndefinedTensorImpl::singleton() || from == c10::UndefinedTensorImpl::singleton()) return false;
  if (inputs.size() > 2 && inputs[2].isBool() && inputs[2].toBool()) return false;
  return is_on_host(to) && !is_on_host(from);
}

}  // namespace tracedbg
