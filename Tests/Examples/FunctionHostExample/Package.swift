// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "FunctionHostExample",
    dependencies: [
        .package(name: "promptd", path: "../../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .executableTarget(
            name: "FunctionHostExample",
            dependencies: [
                .product(name: "Logging", package: "swift-log"), .product(name: "FunctionHost", package: "promptd"),
            ],
            swiftSettings: [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
    ]
)
