import { VpcEndpoint } from '@cdktf/provider-aws/lib/vpc-endpoint/index.js';
import { Construct } from 'constructs';
import type { Perimeter } from '../perimeter.ts';
import { policyJson } from '../render-policy.ts';
import type { Place } from '../vocabulary/index.ts';
import { interfaceEndpointPolicy, REQUIRED_SERVICES, s3EndpointPolicy, type InterfaceService } from './policies/endpoints.ts';

export interface EndpointsProps {
  readonly vpcId: string;
  readonly place: Place;
  readonly perimeter: Perimeter;
  readonly subnetIds: readonly string[];
  readonly routeTableIds: readonly string[];
  readonly securityGroupId: string;
  readonly bucketArns: readonly string[];
  readonly extraServices: readonly InterfaceService[];
}

/** A gateway to S3 (free of charge a byte, which counts with images of many TiB) and interface endpoints for the rest. */
export class Endpoints extends Construct {
  readonly s3EndpointId: string;
  readonly s3PrefixListId: string;
  readonly services: readonly InterfaceService[];

  constructor(scope: Construct, id: string, props: EndpointsProps) {
    super(scope, id);
    const { place, perimeter, vpcId } = props;
    const { region, partition } = place;
    this.services = [...new Set([...REQUIRED_SERVICES, ...props.extraServices])].toSorted();
    const s3 = new VpcEndpoint(this, 's3', {
      vpcId,
      serviceName: `com.amazonaws.${region}.s3`,
      vpcEndpointType: 'Gateway',
      routeTableIds: [...props.routeTableIds],
      policy: policyJson(s3EndpointPolicy({ perimeter, partition, region, bucketArns: props.bucketArns }), 'endpoint', 'the policy of the S3 endpoint'),
      tags: { Name: `${place.prefix}-s3` },
    });
    for (const service of this.services) {
      new VpcEndpoint(this, service, {
        vpcId,
        serviceName: `com.amazonaws.${region}.${service}`,
        vpcEndpointType: 'Interface',
        subnetIds: [...props.subnetIds],
        securityGroupIds: [props.securityGroupId],
        privateDnsEnabled: true,
        policy: policyJson(interfaceEndpointPolicy(service, perimeter), 'endpoint', `the policy of the ${service} endpoint`),
        tags: { Name: `${place.prefix}-${service}` },
      });
    }
    this.s3EndpointId = s3.id;
    this.s3PrefixListId = s3.prefixListId;
  }
}
