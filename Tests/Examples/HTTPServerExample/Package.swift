// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "HTTPServerExample",
    dependencies: [
        .package(name: "promptd", path: "../../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    ],
    targets: [
        .executableTarget(
            name: "HTTPServerExample",
            dependencies: [
                .product(name: "Logging", package: "swift-log"), .product(name: "HTTPServer", package: "promptd"),
            ],
            swiftSettings: [.enableUpcomingFeature("NonisolatedNonsendingByDefault")])
    ]
)
